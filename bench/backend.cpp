// The application behind every proxy in the benchmarks: an HTTP/1.1 server that does as little as possible,
// so that it is never what is measured. It trusts its input and is meant only for the loopback.
//
//   backend --listen HOST:PORT|unix:PATH [--threads N]      until SIGTERM
//   GET /N      N bytes        GET anything else    2 bytes
//   POST, PUT   reads Content-Length bytes, answers 100 bytes
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "loop/listening_socket.h"
#include "poller.h"

namespace {

using namespace gracevisor;  // NOLINT(google-build-using-namespace): one program, one subject
using bench::Poller;

constexpr std::size_t kBuffer = 262144;
constexpr std::size_t kPostAnswer = 100;
constexpr std::size_t kSmallAnswer = 2;

// Per thread: the read buffer and the bytes of every body.
struct Scratch {
  std::vector<char> input = std::vector<char>(kBuffer);
  std::vector<char> body = std::vector<char>(kBuffer, 'x');
};

std::size_t number_at(std::string_view text) {
  std::size_t value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{} ? value : 0;
}

std::size_t content_length(std::string_view head) {
  constexpr std::string_view kName = "content-length:";
  for (std::size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at + 1)) {
    std::string_view line = head.substr(at + 1);
    if (line.size() > kName.size() && ::strncasecmp(line.data(), kName.data(), kName.size()) == 0)
      return number_at(line.substr(std::min(line.find_first_not_of(' ', kName.size()), line.size())));
  }
  return 0;
}

class Connection final : public bench::Watcher {
 public:
  Connection(Poller& poller, base::UniqueFd fd, Scratch& scratch, std::size_t& ended)
      : poller_(poller), scratch_(scratch), ended_count_(ended), fd_(std::move(fd)) {
    const int on = 1;
    (void)::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // irrelevant on Unix sockets
    poller_.add(fd_.get(), EPOLLIN, *this);
  }
  void ready(std::uint32_t events) override;
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  void end() {
    if (!ended_) ++ended_count_;
    ended_ = true;
  }
  void take(std::string_view input);
  [[nodiscard]] std::size_t take_request(std::string_view input);
  void answer(std::size_t size);
  void write();

  Poller& poller_;
  Scratch& scratch_;
  std::size_t& ended_count_;
  base::UniqueFd fd_;
  std::string partial_;     // the beginning of a head
  std::size_t upload_ = 0;  // bytes of a request's body still to come
  std::string head_;        // of responses, still to be written
  std::size_t body_ = 0;    // bytes still to be written after it
  bool close_ = false;      // after the response
  bool writing_ = false;    // the socket is full
  bool ended_ = false;
};

void Connection::ready(std::uint32_t events) {
  if (ended_) return;
  if ((events & EPOLLOUT) != 0) return write();
  const ssize_t count = ::read(fd_.get(), scratch_.input.data(), scratch_.input.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return end();
  take({scratch_.input.data(), static_cast<std::size_t>(count)});
}

void Connection::take(std::string_view input) {
  std::string joined;
  if (!partial_.empty()) {
    joined = std::move(partial_) + std::string(input);
    partial_.clear();
    input = joined;
  }
  while (!input.empty() && !ended_) {
    const std::size_t used = body_ > 0 || writing_ ? 0 : take_request(input);
    if (used == 0) {
      partial_ = input;
      return;
    }
    input.remove_prefix(used);
  }
}

// How much of the input was processed: none while the head is incomplete.
std::size_t Connection::take_request(std::string_view input) {
  if (upload_ > 0) {
    const std::size_t count = std::min(upload_, input.size());
    upload_ -= count;
    if (upload_ == 0) answer(kPostAnswer);
    return count;
  }
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::string_view head = input.substr(0, end);
  const std::string_view target = head.substr(std::min(head.find(' ') + 1, head.size()));
  close_ = head.find("Connection: close") != std::string_view::npos;
  if (head.starts_with('P')) {
    upload_ = content_length(head);
    if (upload_ == 0) answer(kPostAnswer);
  } else {
    const bool sized = target.size() > 1 && target[1] >= '0' && target[1] <= '9';
    answer(sized ? number_at(target.substr(1)) : kSmallAnswer);
  }
  return end + 4;
}

void Connection::answer(std::size_t size) {
  head_ = fmt::format(
      "HTTP/1.1 200 OK\r\nServer: backend\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Cache-Control: no-cache\r\n{}Content-Length: {}\r\n\r\n",
      close_ ? "Connection: close\r\n" : "", size);
  body_ = size;
  write();
}

void Connection::write() {
  while (!head_.empty() || body_ > 0) {
    const std::array<iovec, 2> parts{
        {{head_.data(), head_.size()}, {scratch_.body.data(), std::min(body_, scratch_.body.size())}}};
    const ssize_t written = ::writev(fd_.get(), parts.data(), static_cast<int>(parts.size()));
    if (written < 0 && errno != EAGAIN) return end();
    std::size_t count = written < 0 ? 0 : static_cast<std::size_t>(written);
    const std::size_t of_head = std::min(count, head_.size());
    head_.erase(0, of_head);
    body_ -= count - of_head;
    if (count == 0) {
      if (!writing_) poller_.change(fd_.get(), EPOLLOUT, *this);
      writing_ = true;
      return;
    }
  }
  if (close_) return end();
  if (!writing_) return;
  writing_ = false;
  poller_.change(fd_.get(), EPOLLIN, *this);
  const std::string behind = std::move(partial_);
  partial_.clear();
  take(behind);
}

class Door final : public bench::Watcher {
 public:
  Door(Poller& poller, int fd) : poller_(poller), fd_(fd) { poller_.add(fd_, EPOLLIN, *this); }
  void ready(std::uint32_t /*events*/) override {
    while (base::UniqueFd client{::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)})
      connections_.push_back(std::make_unique<Connection>(poller_, std::move(client), scratch_, ended_));
  }
  // Called between turns, because this turn may still deliver an event.
  void sweep() {
    if (ended_ == 0) return;
    ended_ = 0;
    std::erase_if(connections_, [](const auto& connection) { return connection->ended(); });
  }

 private:
  Poller& poller_;
  int fd_;
  Scratch scratch_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t ended_ = 0;
};

[[noreturn]] void serve(int fd) {
  Poller poller;
  Door door(poller, fd);
  for (;;) {
    poller.turn();
    door.sweep();
  }
}

[[noreturn]] void run(const base::Address& listen, unsigned threads) {
  auto opened = loop::open_listening_sockets(listen, threads);
  if (!opened) throw std::runtime_error(opened.error().what);
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(serve, opened->sockets[i].get());
  serve(opened->sockets.front().get());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App options("Answers HTTP/1.1 requests for /N with N bytes, for benchmarks on the loopback.",
                   "backend");
  std::string listen;
  unsigned threads = 1;
  options.add_option("--listen", listen, "HOST:PORT or unix:PATH")->required();
  options.add_option("--threads", threads, "threads, each with a socket of its own")
      ->check(CLI::Range(1, 64));
  CLI11_PARSE(options, argc, argv);
  try {
    bench::take_signals_plainly();
    run(bench::address_option("listen", listen), threads);
  } catch (const std::exception& e) {
    fmt::print(stderr, "backend: {}\n", e.what());
    return 1;
  }
}
