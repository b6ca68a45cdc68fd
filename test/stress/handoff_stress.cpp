// The hand-over under stress: workers lease from the tables that they adopt while a supervisor cuts over,
// crashes instances within a generation, cuts back, and gives the addresses of what is quiescent to somebody
// new.
//
// A Place stands for a port. It is plain memory: whoever holds a lease on an endpoint uses its place, and the
// supervisor rewrites the place when the endpoint is released. So a wrong rule shows twice: as a data race
// under TSan, and everywhere as a worker that finds a stranger at its place.
//
// usage: handoff_stress [--cutovers N] [--without-epoch-check]     (the latter is the negative control: it
// must fail)
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "supervise/publisher.h"

namespace {

using namespace gracevisor;
using routing::EndpointRef;

constexpr std::size_t kWorkers = 3;
constexpr std::size_t kPlaces = 16;
constexpr std::size_t kTargets = 3;
constexpr unsigned kTurnsPerLook = 8;

struct Place {
  std::uint64_t owner = 0;  // the incarnation that has it; 0: free
  std::array<std::uint64_t, kWorkers> touches{};
};
using Places = std::array<Place, kPlaces>;

// The stop flag and the strangers counted, single-writer each.
struct Shared {
  Places places;
  handoff::Tally stop;
  std::array<handoff::Tally, kWorkers> strangers;
  std::array<handoff::Tally, kWorkers> leases;
  std::array<routing::WorkerPort, kWorkers> ports;
};

Place& place_of(Shared& shared, const routing::Endpoint& endpoint) {
  return shared.places[endpoint.address.port().value()];
}

// What a proxy worker does with its tables, without the sockets.
class Worker {
 public:
  Worker(Shared& shared, std::size_t index)
      : shared_(shared), index_(index), random_(static_cast<unsigned>(index) + 1) {}

  void run() {
    while (shared_.stop.read() == 0) {
      // A worker's turn is long compared with a publish: it often goes on with a table that is not the
      // newest.
      if (random_() % 4 == 0) adopt();
      if (table_) turn();
      std::this_thread::yield();  // more threads than processors: everybody gets on
    }
    while (!held_.empty()) end_first();
  }

 private:
  void adopt() {
    auto letter = shared_.ports[index_].mailbox.take();
    if (!letter) return;
    table_ = letter->table;
    // First the idle connections of what is no longer a target are closed, then the epoch is announced.
    std::erase_if(pool_, [this](const EndpointRef& endpoint) { return !is_target(*endpoint); });
    shared_.ports[index_].adopted.reach(table_->epoch);
    shared_.ports[index_].oldest_pinned.reach(table_->epoch);
  }

  [[nodiscard]] bool is_target(const routing::Endpoint& endpoint) const {
    for (const EndpointRef& target : table_->apps.front().targets) {
      if (target.get() == &endpoint) return true;
    }
    return false;
  }

  // An exchange or two begins, some go on, some end: leases live over many adoptions.
  void turn() {
    const auto& targets = table_->apps.front().targets;
    if (!targets.empty() && held_.size() < 8) {
      const EndpointRef& target = targets[random_() % targets.size()];
      cell(*target).leases.add();
      shared_.leases[index_].add();
      use(*target);
      held_.push_back(target);
    }
    for (const EndpointRef& endpoint : held_) use(*endpoint);
    // An idle connection is watched: what belongs to a pooled one is touched without a lease, as its read is.
    for (const EndpointRef& endpoint : pool_) use(*endpoint);
    while (!held_.empty() && random_() % 3 != 0) end_first();
  }

  void end_first() {
    EndpointRef endpoint = held_.front();
    held_.pop_front();
    if (is_target(*endpoint) && pool_.size() < 4) pool_.push_back(endpoint);
    cell(*endpoint).leases.subtract();
  }

  void use(const routing::Endpoint& endpoint) {
    Place& place = place_of(shared_, endpoint);
    if (place.owner != endpoint.identity.incarnation.value()) shared_.strangers[index_].add();
    ++place.touches[index_];
  }

  [[nodiscard]] routing::LedgerCell& cell(const routing::Endpoint& endpoint) const {
    return endpoint.ledger.cell(base::WorkerIndex(static_cast<std::uint32_t>(index_)));
  }

  Shared& shared_;
  std::size_t index_;
  std::minstd_rand random_;
  routing::RouteTableRef table_;
  std::deque<EndpointRef> held_;
  std::vector<EndpointRef> pool_;
};

// What the supervisor does with endpoints, without the processes.
class Control {
 public:
  Control(Shared& shared, bool check_epoch)
      : shared_(shared), check_epoch_(check_epoch), publisher_(links(shared)) {}

  void run(std::uint64_t cutovers) {
    while (cutovers_ < cutovers) {
      switch (random_() % 8) {
        case 0: crash(); break;
        case 1: cut_back(); break;
        default: cut_over(); break;
      }
      publish();
      for (unsigned i = 0; i < kTurnsPerLook; ++i) release_quiescent();
      if (shared_.strangers[0].read() + shared_.strangers[1].read() + shared_.strangers[2].read() > 0) return;
    }
  }

  [[nodiscard]] std::uint64_t cutovers() const { return cutovers_; }
  [[nodiscard]] std::uint64_t reused() const { return reused_; }
  [[nodiscard]] std::size_t tables_kept() const { return publisher_.tables_kept(); }

 private:
  struct Listed {
    EndpointRef endpoint;
    supervise::Listing listing;
  };

  static std::vector<supervise::WorkerLink> links(Shared& shared) {
    std::vector<supervise::WorkerLink> result;
    for (auto& port : shared.ports) result.push_back({&port, [] {}});
    return result;
  }

  // A new incarnation at a free place; none when every place is taken.
  bool spawn(std::vector<Listed>& into) {
    for (std::size_t i = 0; i < kPlaces; ++i) {
      Place& place = shared_.places[i];
      if (place.owner != 0) continue;
      routing::Identity who{base::AppId(1), base::GenerationId(cutovers_), base::Slot(1),
                            base::Incarnation(++incarnations_)};
      place.owner = who.incarnation.value();
      reused_ += incarnations_ > kPlaces ? 1 : 0;
      base::Port port(static_cast<std::uint16_t>(i));
      into.push_back(
          {std::make_shared<const routing::Endpoint>(who, base::Address::tcp_loopback(port), kWorkers), {}});
      return true;
    }
    return false;
  }

  void cut_over() {
    std::vector<Listed> fresh;
    while (fresh.size() < kTargets && spawn(fresh)) {
    }
    if (fresh.empty()) return;
    ++cutovers_;
    for (Listed& old : targets_) leaving_.push_back(std::move(old));
    targets_ = std::move(fresh);
  }

  void crash() {
    if (targets_.size() < 2) return;
    leaving_.push_back(std::move(targets_.back()));
    targets_.pop_back();
    (void)spawn(targets_);
  }

  // Endpoints that drain become targets again: pending drain decisions about them are void.
  void cut_back() {
    if (leaving_.empty() || targets_.size() > kTargets) return;  // places have to be left for cutovers
    targets_.push_back(std::move(leaving_.back()));
    leaving_.pop_back();
  }

  void publish() {
    auto table = std::make_unique<routing::RouteTable>();
    routing::AppRoutes routes;
    routes.id = base::AppId(1);
    routes.mode = targets_.empty() ? routing::AppMode::hold : routing::AppMode::live;
    for (Listed& target : targets_) {
      target.listing.last_listed = publisher_.next_epoch();
      routes.targets.push_back(target.endpoint);
    }
    table->apps.push_back(std::move(routes));
    publisher_.publish(std::move(table));
  }

  void release_quiescent() {
    std::erase_if(leaving_, [this](const Listed& listed) {
      if (!quiescent(listed)) return false;
      place_of(shared_, *listed.endpoint).owner = 0;
      return true;
    });
    publisher_.drop_passed_tables();
    std::this_thread::yield();
  }

  [[nodiscard]] bool quiescent(const Listed& listed) const {
    if (check_epoch_) return publisher_.quiescent(*listed.endpoint, listed.listing);
    return listed.endpoint->ledger.sum(&routing::LedgerCell::leases) == 0;
  }

  Shared& shared_;
  bool check_epoch_;
  supervise::Publisher publisher_;
  std::minstd_rand random_{7};
  std::vector<Listed> targets_;
  std::vector<Listed> leaving_;
  std::uint64_t incarnations_ = 0;
  std::uint64_t cutovers_ = 0;
  std::uint64_t reused_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t cutovers = 2000;
  bool check_epoch = true;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--without-epoch-check") == 0) check_epoch = false;
    if (std::strcmp(argv[i], "--cutovers") == 0 && i + 1 < argc)
      cutovers = std::strtoull(argv[++i], nullptr, 10);
  }
  auto shared = std::make_unique<Shared>();
  auto control = std::make_unique<Control>(*shared, check_epoch);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&shared, i] { Worker(*shared, i).run(); });
  }
  control->run(cutovers);
  shared->stop.set(1);
  for (std::thread& thread : threads) thread.join();

  std::uint64_t strangers = 0;
  std::uint64_t leases = 0;
  for (std::size_t i = 0; i < kWorkers; ++i) {
    strangers += shared->strangers[i].read();
    leases += shared->leases[i].read();
  }
  (void)std::printf(
      "cutovers=%llu leases=%llu addresses-reused=%llu strangers=%llu\n",
      static_cast<unsigned long long>(control->cutovers()), static_cast<unsigned long long>(leases),
      static_cast<unsigned long long>(control->reused()), static_cast<unsigned long long>(strangers));
  if (strangers != 0) {
    (void)std::printf("VIOLATION: a worker found a stranger at an address that it holds\n");
    return 1;
  }
  // A run in which nothing happened proves nothing.
  return control->cutovers() >= cutovers && leases > cutovers && control->reused() > cutovers ? 0 : 2;
}
