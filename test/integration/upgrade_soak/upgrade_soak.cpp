// The upgrade row of the continuity contract: upgrades in a row under 16 busy keep-alive connections, 20
// WebSockets and 20 slow downloads; no request fails, and the daemons close no connection. WebSockets and
// downloads are ended by their clients and begun anew, so that each former daemon can end.
// GV_SOAK_UPGRADES says how many, GV_SOAK_CLIENTS beside how many busy clients; what it took is printed.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "support/named_apps.h"
#include "support/processes.h"
#include "support/soak.h"
#include "support/upgrades.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr unsigned kSockets = 20;
constexpr unsigned kDownloads = 20;
constexpr unsigned kWarmUp = 3;  // what is allocated once and kept is allocated by then
constexpr std::chrono::seconds kPatience{60};

// How long answers took, apart for the time before the upgrades and the time of each.
class Times {
 public:
  void add(Clock::duration took) {
    const std::lock_guard lock(mutex_);
    (upgrading_ ? during_ : before_).push_back(std::chrono::duration_cast<microseconds>(took));
  }
  void upgrading(bool now) {
    const std::lock_guard lock(mutex_);
    upgrading_ = now;
  }
  // Median, p99 and the longest.
  [[nodiscard]] std::string text(bool during) {
    const std::lock_guard lock(mutex_);
    std::vector<microseconds>& all = during ? during_ : before_;
    if (all.empty()) return "none";
    std::ranges::sort(all);
    const auto at = [&](std::size_t percent) {
      return std::to_string(all[(all.size() - 1) * percent / 100].count());
    };
    return at(50) + " / " + at(99) + " / " + at(100) + " us (median / p99 / longest of " +
           std::to_string(all.size()) + ")";
  }

 private:
  std::mutex mutex_;
  bool upgrading_ = false;  // guarded by mutex_, as all that follows
  std::vector<microseconds> before_;
  std::vector<microseconds> during_;
};

// Clients that each go on in a thread of their own until the end; what went wrong is counted and told.
class Clients {
 public:
  explicit Clients(std::string what) : what_(std::move(what)) {}
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;
  ~Clients() { stop(); }

  template <class Run>
  void start(unsigned count, const Run& run) {
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([this, run, i] {
        while (!stopping_.load()) run(i);
      });
    }
  }
  void stop() {
    stopping_.store(true);
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] bool stopping() const { return stopping_.load(); }

  void good() { ++good_; }
  void bad(const std::string& why) {
    const std::lock_guard lock(mutex_);
    ++bad_;
    if (problems_.size() < 5) problems_.push_back(why);
  }
  [[nodiscard]] std::uint64_t well() const { return good_.load(); }
  [[nodiscard]] std::uint64_t failed() {
    const std::lock_guard lock(mutex_);
    return bad_;
  }
  [[nodiscard]] std::string text() {
    const std::lock_guard lock(mutex_);
    std::string all =
        what_ + ": " + std::to_string(good_.load()) + " well, " + std::to_string(bad_) + " failed";
    for (const std::string& problem : problems_) all += "\n  " + problem;
    return all;
  }

 private:
  std::string what_;
  std::atomic<bool> stopping_{false};   // written by stop(); nothing else depends on it
  std::atomic<std::uint64_t> good_{0};  // written by the clients; only counted
  std::mutex mutex_;
  std::uint64_t bad_ = 0;              // guarded by mutex_
  std::vector<std::string> problems_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

// One connection for all its requests.
void keep_busy(Clients& clients, const base::Address& address, Times& times) {
  auto connection = HttpConnection::connect(address, kPatience);
  if (!connection) return clients.bad("connect: " + connection.error().what);
  const Request request = to_host("demo");
  while (!clients.stopping()) {
    const auto began = Clock::now();
    const auto answer = connection->exchange(request);
    if (!answer) return clients.bad(answer.error().what);
    if (answer->status != 200) return clients.bad(std::to_string(answer->status) + " " + answer->body);
    if (!answer->keep_alive) return clients.bad("the connection is closed after an answer");
    times.add(Clock::now() - began);
    clients.good();
  }
}

// Echoes for about `time`, then closes.
void talk(Clients& clients, const base::Address& address, milliseconds time) {
  auto socket = WebSocket::open(address);
  if (!socket) return clients.bad("no WebSocket");
  for (const auto end = Clock::now() + time; Clock::now() < end && !clients.stopping();) {
    if (!socket->echoes("hello")) return clients.bad("the WebSocket does not echo");
    (void)wait_until([] { return false; }, milliseconds(20));
  }
  if (!socket->close()) return clients.bad("the WebSocket does not close");
  clients.good();
}

// A response that takes about half a second, whole.
void download(Clients& clients, const base::Address& address) {
  auto connection = HttpConnection::connect(address, kPatience);
  if (!connection) return clients.bad("connect: " + connection.error().what);
  Request request = to_host("demo");
  request.target = "/stream?n=50&ms=10";
  const auto answer = connection->exchange(request);
  if (!answer) return clients.bad(answer.error().what);
  if (answer->status != 200 || count(answer->body, "line ") != 50)
    return clients.bad(std::to_string(answer->status) + ", " + std::to_string(answer->body.size()) +
                       " bytes");
  clients.good();
}

}  // namespace

TEST_CASE("soak: upgrades in a row under load fail no request and close no connection") {
  Site site;
  site.configure("[listen.public]\naddress = \"@LISTEN@\"\n" +
                 named_app("demo", "public", "route = \"demo\"\ninstances = 2\n") +
                 websocket_app("web", "public", "route = \"*\"\n") +
                 "[app.job]\ncommand = [\"/bin/sh\", \"-c\", \"echo $$ >> @DIR@/starts; exec sleep 36000\"]\n"
                 "endpoint = \"none\"\ndeploy.settle = \"10ms\"\n");
  DaemonProcess daemon(site);
  REQUIRE(daemon.wait_healthy("demo", 2));
  REQUIRE(daemon.wait_healthy("web", 1));
  REQUIRE(daemon.wait_healthy("job", 1));
  const base::Address address = site.listener();
  Times times;
  Clients busy("requests");
  Clients sockets("WebSockets");
  Clients downloads("downloads");
  busy.start(wanted("GV_SOAK_CLIENTS", 16), [&](unsigned) { keep_busy(busy, address, times); });
  sockets.start(kSockets, [&](unsigned i) { talk(sockets, address, milliseconds(300 + 20 * i)); });
  downloads.start(kDownloads, [&](unsigned) { download(downloads, address); });

  const unsigned upgrades = wanted("GV_SOAK_UPGRADES", 5, int{kWarmUp} + 1);
  const Population before = app_processes(daemon);
  std::vector<milliseconds> took;
  std::uint64_t beside = 0;
  std::size_t descriptors = 0;
  std::size_t resident = 0;
  for (unsigned i = 1; i <= upgrades; ++i) {
    CAPTURE(i);
    const std::uint64_t served = busy.well();
    const std::uint64_t closed = sockets.well();
    REQUIRE(
        wait_until([&] { return busy.well() >= served + 500 && sockets.well() >= closed + 5; }, kPatience));
    times.upgrading(true);
    const Upgraded done = upgrade(daemon, {}, kPatience);
    times.upgrading(false);
    REQUIRE_MESSAGE(done.result.exit_code == 0, describe(done) << daemon.log());
    took.push_back(done.result.took);
    CHECK(app_processes(daemon) == before);
    if (predecessor(daemon) != 0) ++beside;
    REQUIRE_MESSAGE(wait_alone(daemon, kPatience), daemon.ctl({"status"}).out << daemon.log());
    if (i == kWarmUp) {
      descriptors = open_descriptors(daemon.keeper());
      resident = resident_kib(owner(daemon));
    }
  }
  const std::size_t descriptors_now = open_descriptors(daemon.keeper());
  const std::size_t resident_now = resident_kib(owner(daemon));
  for (Clients* clients : {&busy, &sockets, &downloads}) clients->stop();
  std::ranges::sort(took);
  MESSAGE(upgrades << " upgrades, each " << took.front().count() << " / " << took.at(took.size() / 2).count()
                   << " / " << took.back().count() << " ms (min / median / max), " << beside
                   << " with a former daemon beside the new one afterwards\n"
                   << busy.text() << "\n"
                   << sockets.text() << "\n"
                   << downloads.text() << "\nanswers before " << times.text(false) << ", during "
                   << times.text(true) << "\nkeeper's descriptors " << descriptors << " -> "
                   << descriptors_now << ", daemon's memory " << resident << " -> " << resident_now
                   << " KiB");
  INFO(daemon.log());
  for (Clients* clients : {&busy, &sockets, &downloads}) CHECK(clients->failed() == 0);
  CHECK(descriptors_now <= descriptors);
  CHECK(app_processes(daemon) == before);
  CHECK(count(content_of(site.directory() / "starts"), "\n") == 1);
  for (const char* name : {"demo", "web"}) CHECK(daemon.app(name)->failed == 0);
  CHECK(daemon.terminate().exit_code == 0);
}
