// The floor: what relaying over sockets costs without parsing anything. One thread, one upstream connection
// per client connection, and per request and response two waits, two reads and two writes. Nothing that
// relays with epoll can cost less, so costs are given as multiples of it.
//
//   floor --listen HOST:PORT --upstream HOST:PORT|unix:PATH      until SIGTERM
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "loop/listening_socket.h"
#include "poller.h"

namespace {

using namespace gracevisor;  // NOLINT(google-build-using-namespace): one program, one subject
using bench::Poller;

constexpr std::size_t kBuffer = 65536;

class Relay;

// Reads from one side and writes to the other; what that does not take at once is queued, and reading pauses.
class Side final : public bench::Watcher {
 public:
  Side(Poller& poller, Relay& relay, base::UniqueFd fd, std::vector<char>& buffer)
      : poller_(poller), relay_(relay), fd_(std::move(fd)), buffer_(buffer) {
    const int on = 1;
    (void)::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // irrelevant on Unix sockets
    poller_.add(fd_.get(), EPOLLIN, *this);
  }
  void set_other(Side& other) { other_ = &other; }
  void ready(std::uint32_t events) override;

 private:
  void read();
  // The bytes that the socket took at once; negative if it is gone.
  [[nodiscard]] ssize_t write(const char* bytes, std::size_t count) const {
    const ssize_t written = ::write(fd_.get(), bytes, count);
    return written < 0 && errno == EAGAIN ? 0 : written;
  }
  void flush();
  void watch();

  Poller& poller_;
  Relay& relay_;
  base::UniqueFd fd_;
  std::vector<char>& buffer_;
  Side* other_ = nullptr;
  std::string waiting_;  // to be written here
};

class Relay {
 public:
  // Adds itself to `ended` when it is over.
  Relay(Poller& poller, base::UniqueFd client, base::UniqueFd upstream, std::vector<char>& buffer,
        std::size_t& ended)
      : count_(ended),
        client_(poller, *this, std::move(client), buffer),
        upstream_(poller, *this, std::move(upstream), buffer) {
    client_.set_other(upstream_);
    upstream_.set_other(client_);
  }
  [[nodiscard]] bool ended() const { return ended_; }
  void end() {
    if (!ended_) ++count_;
    ended_ = true;
  }

 private:
  bool ended_ = false;
  std::size_t& count_;
  Side client_;
  Side upstream_;
};

void Side::ready(std::uint32_t events) {
  if (relay_.ended()) return;
  if ((events & EPOLLOUT) != 0) flush();
  if ((events & EPOLLIN) != 0) return read();
  // It has gone while the other side still has output to take: this does not wait for the rest.
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) relay_.end();
}

void Side::read() {
  const ssize_t count = ::read(fd_.get(), buffer_.data(), buffer_.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const ssize_t written = count <= 0 ? -1 : other_->write(buffer_.data(), static_cast<std::size_t>(count));
  if (written == count) return;
  if (written < 0) {
    relay_.end();
    return;
  }
  other_->waiting_.assign(buffer_.data() + written, static_cast<std::size_t>(count - written));
  watch();
  other_->watch();
}

void Side::flush() {
  const ssize_t written = write(waiting_.data(), waiting_.size());
  if (written < 0) {
    relay_.end();
    return;
  }
  waiting_.erase(0, static_cast<std::size_t>(written));
  if (!waiting_.empty()) return;
  watch();
  other_->watch();
}

void Side::watch() {
  const std::uint32_t input = other_->waiting_.empty() ? std::uint32_t{EPOLLIN} : 0;
  poller_.change(fd_.get(), waiting_.empty() ? input : input | EPOLLOUT, *this);
}

class Door final : public bench::Watcher {
 public:
  Door(Poller& poller, int fd, base::Address upstream)
      : poller_(poller), fd_(fd), upstream_(upstream), buffer_(kBuffer) {
    poller_.add(fd_, EPOLLIN, *this);
  }
  void ready(std::uint32_t /*events*/) override {
    base::UniqueFd client(::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) return;
    // Dialled while still blocking: on the loopback that takes microseconds.
    base::UniqueFd upstream(::socket(upstream_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!upstream || ::connect(upstream.get(), upstream_.get(), upstream_.length()) != 0 ||
        !base::set_nonblocking(upstream.get()))
      return;
    relays_.push_back(
        std::make_unique<Relay>(poller_, std::move(client), std::move(upstream), buffer_, ended_));
  }
  // Called between turns, because this turn may still deliver an event.
  void sweep() {
    if (ended_ == 0) return;
    ended_ = 0;
    std::erase_if(relays_, [](const auto& relay) { return relay->ended(); });
  }

 private:
  Poller& poller_;
  int fd_;
  base::Address upstream_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<Relay>> relays_;
  std::size_t ended_ = 0;
};

int run(const base::Address& listen, const base::Address& upstream) {
  auto opened = loop::open_listening_sockets(listen, 1);
  if (!opened) throw std::runtime_error(opened.error().what);
  Poller poller;
  Door door(poller, opened->sockets.front().get(), upstream);
  for (;;) {
    poller.turn();
    door.sweep();
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App options("Relays bytes between each client and a connection of its own to the upstream.", "floor");
  std::string listen;
  std::string upstream;
  options.add_option("--listen", listen, "HOST:PORT")->required();
  options.add_option("--upstream", upstream, "HOST:PORT or unix:PATH")->required();
  CLI11_PARSE(options, argc, argv);
  try {
    bench::take_signals_plainly();
    return run(bench::address_option("listen", listen), bench::address_option("upstream", upstream));
  } catch (const std::exception& e) {
    fmt::print(stderr, "floor: {}\n", e.what());
    return 1;
  }
}
