// The open loop: GETs fall due like those of many independent users, at a rate that does not depend on how
// fast they are answered, so that a proxy that pauses is charged for everyone waiting meanwhile. A request's
// latency counts from when it was due, not from when a connection was free for it. (h2load --rps sends what
// is due every 10 ms at once; wrk waits for answers.) The gaps are exponential, from a fixed seed: the same
// for everyone.
//
//   steady --target HOST:PORT --path /100 --rate N --seconds S [--connections 64] [--settle 0.3]
//   prints a line of JSON; what is due in the first moments, --settle, is sent but not counted
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "poller.h"

namespace {

using namespace gracevisor;  // NOLINT(google-build-using-namespace): one program, one subject
using bench::Poller;
using Nanoseconds = std::chrono::nanoseconds;

constexpr std::size_t kMostFailures = 1000;
constexpr std::size_t kMostWaiting = 1'000'000;
constexpr Nanoseconds kLastAnswers = std::chrono::seconds(5);

struct Options {
  std::string target;
  std::string path = "/";
  std::size_t connections = 64;
  double rate = 1000;  // per second
  double seconds = 5;
  double settle = 0.3;
};

Nanoseconds now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}
Nanoseconds of_seconds(double seconds) {
  return Nanoseconds(std::llround(seconds * 1e9));
}

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

base::UniqueFd dial(const base::Address& target) {
  base::UniqueFd fd{::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (!fd || ::connect(fd.get(), target.get(), target.length()) != 0) fail("connecting");
  const int on = 1;
  if (::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail("TCP_NODELAY");
  return fd;
}

// The size of the whole response if its head is there; 0 otherwise.
std::size_t response_size(std::string_view input) {
  constexpr std::string_view kName = "\ncontent-length:";
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::string_view head = input.substr(0, end);
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + ('a' - 'A') : a) == b; };
  const auto* at = std::search(head.begin(), head.end(), kName.begin(), kName.end(), same);
  std::size_t body = 0;
  if (at != head.end()) {
    at = std::find_if(at + kName.size(), head.end(), [](char c) { return c != ' '; });
    (void)std::from_chars(at, head.end(), body);  // not a number: counts as 0
  }
  return end + 4 + body;
}

class Connection;

// What the connections share: which one is next, and the results.
class Schedule {
 public:
  Schedule(const Options& options, Nanoseconds began)
      : counted_from_(began + of_seconds(options.settle)),
        end_(began + of_seconds(options.seconds)),
        gap_(options.rate / 1e9),
        next_(began) {
    latencies_.reserve(static_cast<std::size_t>(options.rate * options.seconds * 1.1) + 1000);
  }

  void idle(Connection& connection) { idle_.push_back(&connection); }
  void send_due();
  void answered(Nanoseconds due, bool well) {
    if (!well) return failed();
    if (due >= counted_from_) latencies_.push_back(now() - due);
  }
  void failed() {
    if (++failures_ > kMostFailures) throw std::runtime_error("too many requests fail");
  }
  // Counts requests that will not be answered: `sent` ones already sent, and all that still wait.
  void give_up(std::size_t sent) { failures_ += sent + waiting_.size(); }
  [[nodiscard]] Nanoseconds next_due() const { return next_; }
  [[nodiscard]] bool over() const { return next_ >= end_ && waiting_.empty(); }
  [[nodiscard]] Nanoseconds end() const { return end_; }
  [[nodiscard]] std::size_t idle_count() const { return idle_.size(); }
  void print();

 private:
  Nanoseconds counted_from_;
  Nanoseconds end_;
  std::exponential_distribution<double> gap_;
  std::mt19937_64 random_{1};
  Nanoseconds next_;
  std::deque<Nanoseconds> waiting_;  // due, but no connection is free
  std::vector<Connection*> idle_;
  std::vector<Nanoseconds> latencies_;
  std::size_t failures_ = 0;
};

class Connection final : public bench::Watcher {
 public:
  Connection(Poller& poller, Schedule& schedule, const base::Address& target, const std::string& request)
      : poller_(poller), schedule_(schedule), target_(target), request_(request) {
    open();
  }
  void send(Nanoseconds due) {
    due_ = due;
    if (::write(fd_.get(), request_.data(), request_.size()) != static_cast<ssize_t>(request_.size()))
      again();
  }
  void ready(std::uint32_t /*events*/) override {
    std::array<char, 65536> chunk;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
    const ssize_t count = ::recv(fd_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return again();
    input_.append(chunk.data(), static_cast<std::size_t>(count));
    const std::size_t size = response_size(input_);
    if (size == 0 || input_.size() < size) return;
    if (input_.size() > size || due_ == Nanoseconds(0)) return again();  // more than was asked for
    const bool well = input_.starts_with("HTTP/1.1 200 ");
    input_.clear();
    schedule_.answered(std::exchange(due_, Nanoseconds(0)), well);
    schedule_.idle(*this);
  }

 private:
  void open() {
    fd_ = dial(target_);
    poller_.add(fd_.get(), EPOLLIN, *this);
    input_.clear();
  }
  // The connection failed, and so did the request on it, if any.
  void again() {
    const bool had_request = std::exchange(due_, Nanoseconds(0)) != Nanoseconds(0);
    schedule_.failed();
    open();
    if (had_request) schedule_.idle(*this);  // otherwise it is already among the idle ones
  }

  Poller& poller_;
  Schedule& schedule_;
  const base::Address& target_;
  const std::string& request_;
  base::UniqueFd fd_;
  Nanoseconds due_{0};  // of the request that it waits for; 0: none
  std::string input_;
};

void Schedule::send_due() {
  const Nanoseconds time = now();
  while (next_ <= time && next_ < end_) {
    waiting_.push_back(next_);
    next_ += Nanoseconds(std::llround(gap_(random_)));
  }
  if (waiting_.size() > kMostWaiting) throw std::runtime_error("a million requests wait");
  while (!waiting_.empty() && !idle_.empty()) {
    Connection* connection = idle_.back();
    idle_.pop_back();
    const Nanoseconds due = waiting_.front();
    waiting_.pop_front();
    connection->send(due);
  }
}

void Schedule::print() {
  if (latencies_.empty()) throw std::runtime_error("no request was answered");
  std::sort(latencies_.begin(), latencies_.end());
  const auto at = [this](double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(latencies_.size())));
    return static_cast<double>(latencies_[std::max<std::size_t>(rank, 1) - 1].count()) / 1e3;
  };
  const double seconds = static_cast<double>((end_ - counted_from_).count()) / 1e9;
  fmt::print(
      R"({{"rate": {:.1f}, "failed": {}, "p50_us": {:.1f}, "p99_us": {:.1f}, "p999_us": {:.1f}, "max_us": {:.1f}}})"
      "\n",
      static_cast<double>(latencies_.size()) / seconds, failures_, at(.5), at(.99), at(.999), at(1));
}

// Wakes the poller when a request falls due.
class Alarm final : public bench::Watcher {
 public:
  explicit Alarm(Poller& poller) : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
    if (!fd_) fail("timerfd_create");
    poller.add(fd_.get(), EPOLLIN, *this);
  }
  void set(Nanoseconds when) {
    itimerspec spec{};
    spec.it_value.tv_sec = when.count() / 1'000'000'000;
    spec.it_value.tv_nsec = when.count() % 1'000'000'000;
    if (::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr) != 0) fail("timerfd_settime");
  }
  void ready(std::uint32_t /*events*/) override {
    std::uint64_t times = 0;
    if (::read(fd_.get(), &times, sizeof times) < 0 && errno != EAGAIN) fail("reading a timer");
  }

 private:
  base::UniqueFd fd_;
};

void run(const Options& options, const base::Address& target) {
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", options.path, options.target);
  Poller poller;
  Alarm alarm(poller);
  Schedule schedule(options, now() + std::chrono::milliseconds(20));
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::size_t i = 0; i < options.connections; ++i) {
    connections.push_back(std::make_unique<Connection>(poller, schedule, target, request));
    schedule.idle(*connections.back());
  }
  const Nanoseconds last = schedule.end() + kLastAnswers;
  while (!schedule.over() || schedule.idle_count() < connections.size()) {
    schedule.send_due();
    const bool more = schedule.next_due() < schedule.end();
    if (!more && now() >= last) break;
    alarm.set(more ? schedule.next_due() : last);
    poller.turn();
  }
  schedule.give_up(connections.size() - schedule.idle_count());
  schedule.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App program("GETs at a rate of their own; prints their latencies.", "steady");
  Options options;
  program.add_option("--target", options.target, "HOST:PORT")->required();
  program.add_option("--path", options.path, "of each GET");
  program.add_option("--connections", options.connections)->check(CLI::Range(1, 10000));
  program.add_option("--rate", options.rate, "requests per second")->check(CLI::Range(1.0, 1e6));
  program.add_option("--seconds", options.seconds)->check(CLI::Range(0.5, 600.0));
  program.add_option("--settle", options.settle, "not counted, of these seconds")
      ->check(CLI::Range(0.0, 10.0));
  CLI11_PARSE(program, argc, argv);
  try {
    if (options.settle >= options.seconds) throw std::runtime_error("--settle is as long as all of it");
    bench::take_signals_plainly();
    run(options, bench::address_option("target", options.target));
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "steady: {}\n", e.what());
    return 1;
  }
}
