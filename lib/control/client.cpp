#include "control/client.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "base/address.h"
#include "base/byte_buffer.h"
#include "base/unique_fd.h"
#include "control/trust.h"
#include "http/body.h"

namespace gracevisor::control {
namespace {

using Kind = CallError::Kind;
constexpr std::size_t kMaxBody = 64U << 20;
constexpr std::size_t kMaxLine = 4U << 20;
constexpr http::HeadLimits kHeadLimits;
constexpr base::Millis kLongestSend(10000);
constexpr std::string_view kNoAnswer = "the daemon does not answer";

CallError cannot_connect(const std::string& path, int code) {
  std::string cause = base::errno_text(code);
  if (code == ENOENT) {
    return {Kind::unreachable, fmt::format("no daemon at {} ({}): is gracevisord running?", path, cause)};
  }
  if (code == ECONNREFUSED) {
    return {Kind::unreachable,
            fmt::format("nobody answers at {} ({}): gracevisord is not running", path, cause)};
  }
  if (code == EACCES || code == EPERM) {
    return {Kind::not_permitted,
            fmt::format("no permission to use {} ({}): root, the daemon's user and its operator group may",
                        path, cause)};
  }
  return {Kind::unreachable, fmt::format("cannot connect to {}: {}", path, cause)};
}

// An impostor would learn what is asked and could answer anything.
std::optional<CallError> expect_daemon(int socket, const std::string& path) {
  ucred listener{};
  socklen_t length = sizeof listener;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &listener, &length) != 0) {
    return CallError{Kind::failed,
                     fmt::format("cannot find out who listens at {}: {}", path, base::errno_text(errno))};
  }
  uid_t self = ::geteuid();
  if (may_be_believed(listener.uid, self, path)) return std::nullopt;
  return CallError{
      Kind::not_permitted,
      fmt::format("user {} listens at {}, which others than root, you (user {}) and that user could "
                  "have put there: not taken for a daemon",
                  listener.uid, path, self)};
}

// One call on one connection.
class Exchange {
 public:
  Exchange(const std::string& path, const Client::Options& options, const Client::OnLine* on_line)
      : path_(path), options_(options), on_line_(on_line) {}

  [[nodiscard]] Client::Result run(const Call& call);

 private:
  enum class More { yes, no };
  using Step = std::expected<More, CallError>;

  [[nodiscard]] std::optional<CallError> connect();
  void send(const Call& call);
  // Waits for bytes and appends them to input_; returns `no` at the end of the connection.
  [[nodiscard]] Step receive(bool patient);
  [[nodiscard]] int longest_wait(bool patient) const;
  [[nodiscard]] std::optional<CallError> read_head(http::Method method);
  [[nodiscard]] std::optional<CallError> read_body();
  // false: the caller has enough.
  [[nodiscard]] bool take_lines(std::string_view payload);
  [[nodiscard]] bool streaming() const noexcept { return on_line_ != nullptr && answer_.status == 200; }
  [[nodiscard]] CallError error(Kind kind, std::string_view what) const {
    return CallError{kind, fmt::format("{} at {}", what, path_)};
  }

  const std::string& path_;
  const Client::Options& options_;
  const Client::OnLine* on_line_;
  base::UniqueFd fd_;
  base::ByteBuffer input_;
  http::BodyReader body_;
  std::string line_;  // the beginning of a line whose end has not arrived
  Answer answer_;
};

Client::Result Exchange::run(const Call& call) {
  if (auto failed = connect()) return std::unexpected(*failed);
  send(call);
  if (auto failed = read_head(call.method)) return std::unexpected(*failed);
  if (auto failed = read_body()) return std::unexpected(*failed);
  return std::move(answer_);
}

std::optional<CallError> Exchange::connect() {
  auto address = base::Address::unix_path(path_);
  if (!address) return CallError{Kind::unusable, address.error().what};
  fd_ = base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // It bounds connect() too, when the daemon's backlog is full. 0 would be for ever.
  const base::Millis most = std::clamp(options_.patience, base::Millis(1), kLongestSend);
  const timeval bound{.tv_sec = most.count() / 1000, .tv_usec = most.count() % 1000 * 1000};
  if (!fd_ || ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound) != 0) {
    return CallError{Kind::failed, fmt::format("cannot create a socket to connect to {}: {}", path_,
                                               base::errno_text(errno))};
  }
  if (::connect(fd_.get(), address->get(), address->length()) != 0) {
    if (errno == EAGAIN) return error(Kind::silent, kNoAnswer);
    return cannot_connect(path_, errno);
  }
  return expect_daemon(fd_.get(), path_);
}

void Exchange::send(const Call& call) {
  bool post = call.method == http::Method::post;
  std::string request =
      fmt::format("{} {} HTTP/1.1\r\nHost: gv\r\nConnection: close\r\n", post ? "POST" : "GET", call.target);
  if (post) {
    request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", call.body.size());
  }
  request += "\r\n";
  if (post) request += call.body;
  std::string_view rest = request;
  while (!rest.empty()) {
    ssize_t sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    // A daemon that refuses without reading everything has already answered: read that.
    if (sent < 0) return;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// In milliseconds, for poll(2); -1: for ever.
int Exchange::longest_wait(bool patient) const {
  const int wait = patient ? -1 : static_cast<int>(options_.patience.count());
  if (!options_.deadline) return wait;
  const auto left =
      std::chrono::ceil<base::Millis>(*options_.deadline - std::chrono::steady_clock::now()).count();
  const int most = static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  return wait < 0 ? most : std::min(wait, most);
}

Exchange::Step Exchange::receive(bool patient) {
  std::array<pollfd, 2> watched{pollfd{fd_.get(), POLLIN, 0}, pollfd{options_.interrupt, POLLIN, 0}};
  int ready = 0;
  do {
    ready = ::poll(watched.data(), watched.size(), longest_wait(patient));
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) {
    std::string what = fmt::format("cannot wait ({}) for the daemon", base::errno_text(errno));
    return std::unexpected(error(Kind::failed, what));
  }
  if (ready == 0 && options_.deadline && std::chrono::steady_clock::now() >= *options_.deadline) {
    return std::unexpected(error(Kind::late, "it took too long"));
  }
  if (ready == 0) {
    return std::unexpected(error(Kind::silent, kNoAnswer));
  }
  if (watched[1].revents != 0) return std::unexpected(error(Kind::interrupted, "interrupted"));
  std::array<char, 16384> space{};
  ssize_t count = ::recv(fd_.get(), space.data(), space.size(), 0);
  if (count < 0 && errno == EINTR) return More::yes;
  if (count <= 0) return More::no;
  input_.append({space.data(), static_cast<std::size_t>(count)});
  return More::yes;
}

std::optional<CallError> Exchange::read_head(http::Method method) {
  http::HeadReader reader;
  for (;;) {
    http::ResponseHead head;
    auto result = reader.read_response(input_.data(), kHeadLimits, method, head);
    if (result.state == http::HeadState::refused) {
      return error(Kind::malformed, fmt::format("no answer of a daemon ({})", result.refusal.token()));
    }
    if (result.state == http::HeadState::complete) {
      answer_.status = head.status;
      if (!head.interim()) body_.start(head.body, streaming() ? UINT64_MAX : kMaxBody);
      bool done = !head.interim();
      input_.consume(result.size);
      if (done) return std::nullopt;
      continue;
    }
    auto more = receive(false);
    if (!more) return more.error();
    if (*more == More::no) return error(Kind::lost, "the daemon closed the connection without an answer");
  }
}

std::optional<CallError> Exchange::read_body() {
  for (;;) {
    while (!input_.empty() && body_.state() == http::BodyReader::State::reading) {
      auto step = body_.next(input_.data());
      if (streaming()) {
        if (!take_lines(step.payload)) return std::nullopt;
        if (line_.size() > kMaxLine) return error(Kind::malformed, "a line is too long in the answer");
      } else {
        answer_.body.append(step.payload);
      }
      input_.consume(step.consumed);
      if (step.consumed == 0) break;
    }
    switch (body_.state()) {
      case http::BodyReader::State::finished: return std::nullopt;
      case http::BodyReader::State::malformed: return error(Kind::malformed, "the answer is malformed");
      case http::BodyReader::State::too_large: return error(Kind::malformed, "the answer is too long");
      case http::BodyReader::State::reading: break;
    }
    auto more = receive(streaming());
    if (!more) return more.error();
    if (*more == More::yes) continue;
    body_.end_of_input();
    if (!body_.finished())
      return error(Kind::lost, "the daemon ended the connection in the midst of its answer");
  }
}

bool Exchange::take_lines(std::string_view payload) {
  for (auto end = payload.find('\n'); end != std::string_view::npos; end = payload.find('\n')) {
    line_.append(payload.substr(0, end));
    payload.remove_prefix(end + 1);
    bool more = line_.empty() || (*on_line_)(line_);
    line_.clear();
    if (!more) return false;
  }
  line_.append(payload);
  return true;
}

}  // namespace

Client Client::with_patience(base::Millis patience) const {
  Options options = options_;
  options.patience = patience;
  return {socket_path_, options};
}

Client::Result Client::ask(const Call& call) const {
  return Exchange(socket_path_, options_, nullptr).run(call);
}

Client::Result Client::stream(const Call& call, const OnLine& on_line) const {
  return Exchange(socket_path_, options_, &on_line).run(call);
}

}  // namespace gracevisor::control
