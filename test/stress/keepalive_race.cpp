// The upstream keep-alive race (proxy page of the design, section 2.1): an app that closes each connection
// after K requests, just when the proxy may send the next one on it. Clients ask as fast as they can; every
// answer but 200 is a failure.
//
//   keepalive_race [--requests N]     N per row of the table, 2400 unless told
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "loop/listening_socket.h"
#include "proxy/worker.h"
#include "support/temp_folder.h"

namespace {

using namespace gracevisor;

constexpr unsigned kClients = 8;
constexpr int kPatienceMs = 20000;

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "keepalive_race: {}\n", why);
  std::exit(1);
}

base::UniqueFd connect_to(const base::Address& address) {
  base::UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), address.get(), address.length()) != 0) give_up("cannot connect");
  return fd;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Reads until `whole(text)`; false when the connection ends or nothing comes for too long.
template <class Whole>
bool read_until(int fd, std::string& text, const Whole& whole) {
  std::array<char, 4096> buffer{};
  while (!whole(text)) {
    pollfd entry{fd, POLLIN, 0};
    if (::poll(&entry, 1, kPatienceMs) != 1) return false;
    ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) return false;
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return true;
}

// A message whose body, if any, is "hello".
bool whole_message(const std::string& text) {
  auto end = text.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  bool body = text.find("Content-Length: 5\r\n") < end;
  return text.size() >= end + 4 + (body ? 5 : 0);
}

// Answers K requests on each connection, then closes it after a moment of 0 to 100 us.
class RacingApp {
 public:
  RacingApp(const base::Address& address, unsigned requests) : requests_(requests) {
    auto opened = loop::open_listening_sockets(address, 1);
    if (!opened) give_up(opened.error().what);
    address_ = opened->address;
    socket_ = std::move(opened->sockets[0]);
    if (::fcntl(socket_.get(), F_SETFL, 0) != 0) give_up("fcntl");
    accepting_ = std::thread([this] { accept_all(); });
  }
  RacingApp(const RacingApp&) = delete;
  RacingApp& operator=(const RacingApp&) = delete;
  ~RacingApp() {
    (void)::shutdown(socket_.get(), SHUT_RD);
    if (address_.is_unix()) {
      // A Unix socket's accept() is not woken by shutdown everywhere: somebody knocks.
      stopping_ = true;
      base::UniqueFd knock(::socket(AF_UNIX, SOCK_STREAM, 0));
      (void)::connect(knock.get(), address_.get(), address_.length());
    }
    accepting_.join();
    for (std::thread& serving : serving_) serving.join();
  }
  [[nodiscard]] const base::Address& address() const { return address_; }

 private:
  void accept_all() {
    for (;;) {
      base::UniqueFd connection(::accept(socket_.get(), nullptr, nullptr));
      if (!connection || stopping_) return;
      serving_.emplace_back([this, c = std::move(connection)]() mutable { serve(std::move(c)); });
    }
  }
  void serve(base::UniqueFd connection) const {
    std::minstd_rand random(static_cast<unsigned>(connection.get()));
    for (unsigned i = 0; i < requests_; ++i) {
      std::string text;
      if (!read_until(connection.get(), text, whole_message)) return;
      if (!send_all(connection.get(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) return;
    }
    auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 100);
    while (std::chrono::steady_clock::now() < until) {
    }
  }

  unsigned requests_;
  base::UniqueFd socket_;
  base::Address address_;
  std::atomic<bool> stopping_{false};
  std::thread accepting_;
  std::vector<std::thread> serving_;  // accepting_'s until that has ended
};

// One worker that routes everything to one app.
class Proxy {
 public:
  Proxy(const base::Address& app, config::ProxyOptions::Reuse reuse) {
    auto opened = loop::open_listening_sockets(base::Address::tcp_loopback(base::Port(0)), 1);
    if (!opened) give_up(opened.error().what);
    address_ = opened->address;
    auto table = std::make_shared<routing::RouteTable>();
    table->epoch = base::Epoch().next();
    routing::AppRoutes web;
    web.id = base::AppId(1);
    web.mode = routing::AppMode::live;
    web.hold = std::chrono::seconds(10);
    web.targets = {std::make_shared<routing::Endpoint>(
        routing::Identity{web.id, base::GenerationId(1), base::Slot(1), base::Incarnation(1)}, app, 1)};
    config::ProxyOptions options;
    options.reuse = reuse;
    web.options = std::make_shared<config::ProxyOptions>(options);
    ledger_ = web.ledger = std::make_shared<routing::AppLedger>(1);
    table->apps.push_back(web);
    table->listeners.push_back(
        {std::make_shared<routing::ListenerSockets>(address_, std::move(opened->sockets), 1),
         std::make_shared<routing::HostIndex>(std::vector<routing::HostIndex::Entry>{{"", "/", web.id}},
                                              std::nullopt),
         std::make_shared<config::Listener>(), std::nullopt, nullptr});
    table_ = table;
    port_.mailbox.put(std::make_unique<routing::TableLetter>(routing::TableLetter{table}));
    auto worker = proxy::Worker::start({base::WorkerIndex(0), 1}, port_, [] {});
    if (!worker) give_up(worker.error().what);
    worker_ = std::move(*worker);
    while (!(port_.adopted.read() == table->epoch)) std::this_thread::yield();
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy() { worker_.reset(); }
  [[nodiscard]] const base::Address& address() const { return address_; }
  [[nodiscard]] std::uint64_t retried() const { return ledger_->cells[0].retried.read(); }

 private:
  base::Address address_;
  routing::WorkerPort port_;
  std::shared_ptr<routing::AppLedger> ledger_;
  routing::RouteTableRef table_;
  std::unique_ptr<proxy::Worker> worker_;
};

struct Row {
  const char* transport;
  const char* method;
  config::ProxyOptions::Reuse reuse;
  unsigned per_connection;
};

const char* name_of(config::ProxyOptions::Reuse reuse) {
  return reuse == config::ProxyOptions::Reuse::always ? "always" : "idempotent";
}

std::size_t run(const Row& row, std::size_t requests, const std::filesystem::path& folder) {
  bool unix_socket = std::string_view(row.transport) == "unix";
  auto path = base::Address::unix_path(
      (folder / fmt::format("{}-{}-{}", row.method, name_of(row.reuse), row.per_connection)).string());
  RacingApp app(unix_socket ? *path : base::Address::tcp_loopback(base::Port(0)), row.per_connection);
  std::atomic<std::size_t> failed{0};
  std::uint64_t retried = 0;
  {
    Proxy proxy(app.address(), row.reuse);
    std::string request = fmt::format("{} / HTTP/1.1\r\nHost: h\r\n", row.method);
    request += std::string_view(row.method) == "POST" ? "Content-Length: 5\r\n\r\nhello" : "\r\n";
    std::vector<std::thread> clients;
    for (unsigned i = 0; i < kClients; ++i) {
      clients.emplace_back([&] {
        base::UniqueFd fd = connect_to(proxy.address());
        for (std::size_t n = 0; n < requests / kClients; ++n) {
          std::string answer;
          bool got = send_all(fd.get(), request) && read_until(fd.get(), answer, [](const std::string& text) {
                       return text.ends_with("\r\n\r\nok") || (text.find("X-Gv-Error") != std::string::npos &&
                                                               text.find("\r\n\r\n") != std::string::npos);
                     });
          if (got && answer.starts_with("HTTP/1.1 200 ")) continue;
          ++failed;
          fd = connect_to(proxy.address());
        }
      });
    }
    for (std::thread& client : clients) client.join();
    retried = proxy.retried();
  }
  fmt::print("{:<5} {:<5} reuse={:<10} K={}  {} requests, {} failed, {} sent again\n", row.transport,
             row.method, name_of(row.reuse), row.per_connection, requests, failed.load(), retried);
  return failed;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t requests = 2400;
  if (argc == 3 && std::strcmp(argv[1], "--requests") == 0) {
    std::string_view text = argv[2];
    (void)std::from_chars(text.data(), text.data() + text.size(), requests);
  }
  using Reuse = config::ProxyOptions::Reuse;
  const test::TempFolder folder;
  std::size_t failed = 0;
  for (unsigned k : {1U, 5U}) {
    for (const Row& row :
         {Row{"unix", "GET", Reuse::idempotent, k}, Row{"unix", "POST", Reuse::idempotent, k},
          Row{"unix", "GET", Reuse::always, k}, Row{"unix", "POST", Reuse::always, k},
          Row{"tcp", "GET", Reuse::idempotent, k}, Row{"tcp", "POST", Reuse::idempotent, k}}) {
      failed += run(row, requests, folder.path());
    }
  }
  return failed == 0 ? 0 : 1;
}
