#include "support/core_rig.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "loop/listening_socket.h"
#include "support/loop/quiet.h"
#include "support/shifted_clock.h"

namespace gracevisor::test {
namespace {

constexpr int kMaxTurns = 100'000;
constexpr int kCanaryPatienceMs = 5000;

loop::ListeningSockets listen_on(const base::Address& address) {
  auto opened = loop::open_listening_sockets(address, 1);
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

loop::ListeningSockets shared_with(const CoreRig& rig) {
  auto socket = base::duplicate(rig.sockets().sockets.front().get());
  if (!socket) throw std::runtime_error(socket.error().what);
  loop::ListeningSockets shared{.address = rig.sockets().address, .sockets = {}};
  shared.sockets.push_back(std::move(*socket));
  return shared;
}

base::UniqueFd accept_from(const base::UniqueFd& socket) {
  return base::UniqueFd(::accept4(socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

}  // namespace

CoreRig::CoreRig(Layout layout, const CoreRig* before) : layout_(layout) {
  auto loop = loop::Loop::create();
  if (!loop) throw std::runtime_error(loop.error().what);
  loop_ = std::move(*loop);
  if (layout.clients == Family::tcp || layout.apps == Family::tcp) {
    auto path = listen_on(base::Address::tcp_loopback(base::Port(0)));
    canary_in_.emplace(RawEnd::connect(path.address));
    canary_out_.emplace(accept_from(path.sockets.front()));
  }
  auto public_side = before != nullptr ? shared_with(*before) : listen_on(new_address(layout.clients));
  listener_ =
      std::make_shared<routing::ListenerSockets>(public_side.address, std::move(public_side.sockets), 1);
  listener.name = "public";
  web.id = base::AppId(1);
  web.name = "web";
  web.mode = layout.instances == 0 ? routing::AppMode::stopped : routing::AppMode::live;
  web.hold = std::chrono::seconds(10);
  web.ledger = std::make_shared<routing::AppLedger>(1);
  while (web.targets.size() < layout.instances) web.targets.push_back(add_instance());
  routes.push_back({"", "/", web.id});
  room.clients = layout.places;
  core_ = std::make_unique<proxy::Core>(
      *loop_, proxy::Core::Settings{.index = base::WorkerIndex(0)}, port_, [] {}, [] {});
  publish();
}

CoreRig::~CoreRig() {
  if (core_) (void)finish();
  // Many rigs in a row would leave as many TCP ports waiting.
  for (auto& end : clients_) end->reset();
  for (auto& end : apps_) end->reset();
  if (canary_in_) canary_in_->reset();
}

base::Address CoreRig::new_address(Family family) {
  if (family == Family::tcp) return base::Address::tcp_loopback(base::Port(0));
  if (!folder_) folder_.emplace();
  auto address = base::Address::unix_path((*folder_ / std::to_string(++addresses_)).string());
  if (!address) throw std::runtime_error(address.error().what);
  return *address;
}

void CoreRig::publish() {
  epoch_ = epoch_.next();
  auto table = std::make_shared<routing::RouteTable>();
  table->epoch = epoch_;
  table->listeners.push_back({listener_, std::make_shared<routing::HostIndex>(routes, std::nullopt),
                              std::make_shared<config::Listener>(listener), tcp});
  table->listeners.back().leaving = leaving;
  table->successor = successor;
  table->predecessor = predecessor;
  web.options = std::make_shared<config::ProxyOptions>(options);
  table->apps.push_back(web);
  table->closing = closing;
  table->room = room;
  table->probes = probes;
  published_.push_back(table);
  port_.mailbox.put(std::make_unique<routing::TableLetter>(routing::TableLetter{table}));
  core_->look();
}

RawEnd& CoreRig::connect() {
  return *clients_.emplace_back(std::make_unique<RawEnd>(RawEnd::connect(listener_->address)));
}

RawEnd* CoreRig::app(std::size_t index) {
  return index < apps_.size() ? apps_[index].get() : nullptr;
}

void CoreRig::hang_up() {
  settle();
  for (auto& client : clients_) client->reset();
  clients_.clear();
  // A client that has left may still be served, since it may only have finished sending: until its answer
  // fails.
  for (settle(); !apps_.empty(); settle()) apps_.clear();
}

const routing::EndpointRef& CoreRig::add_instance() {
  auto opened = listen_on(new_address(layout_.apps));
  auto slot = base::Slot(static_cast<std::uint32_t>(instances_.size() + 1));
  auto endpoint = std::make_shared<routing::Endpoint>(
      routing::Identity{web.id, base::GenerationId(1), slot, base::Incarnation(1)}, opened.address, 1);
  return instances_.emplace_back(Instance{std::move(opened.sockets.front()), std::move(endpoint)}).endpoint;
}

const routing::EndpointRef& CoreRig::endpoint(std::size_t instance) const {
  return instances_.at(instance).endpoint;
}

void CoreRig::refuse(std::size_t instance) {
  instances_.at(instance).socket.reset();
}

bool CoreRig::accept_apps() {
  bool moved = false;
  for (Instance& instance : instances_) {
    if (!instance.socket) continue;
    while (auto connection = accept_from(instance.socket)) {
      apps_.push_back(std::make_unique<RawEnd>(std::move(connection)));
      moved = true;
    }
  }
  return moved;
}

// What was sent over TCP may still be on its way inside the kernel, if it left that to another thread. A byte
// sent behind everything else arrives behind it.
bool CoreRig::in_flight() {
  if (!canary_in_) return false;
  std::size_t before = canary_out_->received().size();
  canary_in_->send("c");
  (void)canary_in_->pump();
  (void)canary_out_->pump();
  if (canary_out_->received().size() > before) return false;
  for (int waited = 0; waited < kCanaryPatienceMs && canary_out_->received().size() == before; ++waited) {
    (void)::poll(nullptr, 0, 1);
    (void)canary_out_->pump();
  }
  return true;
}

void CoreRig::settle() {
  // What the last callbacks asked for shows one turn later: quiet is what is quiet twice.
  constexpr int kCalmTurns = 2;
  int calm = 0;
  for (int turn = 0; calm < kCalmTurns; ++turn) {
    if (turn == kMaxTurns) throw std::runtime_error("the data path never comes to rest");
    bool moved = accept_apps();
    for (auto& end : clients_) moved = end->pump() || moved;
    for (auto& end : apps_) moved = end->pump() || moved;
    loop_->run_once(false);
    bool busy = moved || has_work(*loop_) || (calm == 0 && in_flight());
    calm = busy ? 0 : calm + 1;
  }
}

void CoreRig::turn() {
  (void)accept_apps();
  loop_->run_once(false);
}

void CoreRig::pass(base::Duration by) {
  settle();
  shift_clock(by);
  loop_->run_once(false);
  settle();
}

const routing::LedgerCell& CoreRig::cell(std::size_t instance) const {
  return instances_.at(instance).endpoint->ledger.cell(base::WorkerIndex(0));
}

std::uint64_t CoreRig::leases() const {
  std::uint64_t sum = 0;
  for (const Instance& instance : instances_)
    sum += instance.endpoint->ledger.sum(&routing::LedgerCell::leases);
  return sum;
}

std::string CoreRig::finish() {
  core_.reset();
  if (leases() != 0) return std::to_string(leases()) + " leases are left";
  int closed = loop_->close();
  return closed == 0 ? "" : "the loop does not close: " + std::to_string(closed);
}

}  // namespace gracevisor::test
