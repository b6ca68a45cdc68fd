// A serve::Connection over a real pair of sockets, Unix or TCP, with a raw client at the other end and a
// scripted front, all on the test's thread.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "http/head.h"
#include "loop/deadlines.h"
#include "loop/loop.h"
#include "serve/connection.h"
#include "support/loop/quiet.h"
#include "support/raw_end.h"
#include "support/run_until.h"

namespace gracevisor::test {

enum class Kind { tcp, unix_socket };

struct Sockets {
  base::UniqueFd ours;
  base::UniqueFd peer;
};

inline Sockets connected_sockets(Kind kind) {
  int ends[2] = {-1, -1};
  if (kind == Kind::unix_socket) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
  }
  base::UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto any = base::Address::tcp_loopback(base::Port(0));
  REQUIRE(::bind(listening.get(), any.get(), any.length()) == 0);
  REQUIRE(::listen(listening.get(), 1) == 0);
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  auto* address = reinterpret_cast<sockaddr*>(&bound);
  REQUIRE(::getsockname(listening.get(), address, &length) == 0);
  base::UniqueFd peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(peer.get(), address, length) == 0);
  return {base::UniqueFd(::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)),
          std::move(peer)};
}

// Keeps what it is asked; `script` answers, or the test does later.
struct Front final : serve::ConnectionObserver {
  struct Asked {
    std::string target;
    std::string body;
  };

  [[nodiscard]] std::optional<serve::Content> on_head(const http::RequestHead& head) override {
    target = head.target;
    return refusal;
  }
  void on_request(std::string body, std::shared_ptr<serve::Response> response) override {
    asked.push_back({target, std::move(body)});
    responses.push_back(std::move(response));
    if (script) script(*responses.back());
  }
  [[nodiscard]] serve::Content explain(const serve::Fault& fault) override {
    faults.push_back(fault);
    return {fault.status, "text/plain", "fault"};
  }
  [[nodiscard]] bool on_follow() override { return may_follow; }
  void on_closed() override { ++closed; }

  std::optional<serve::Content> refusal;
  std::function<void(serve::Response&)> script;
  bool may_follow = true;

  std::string target;
  std::vector<Asked> asked;
  std::vector<std::shared_ptr<serve::Response>> responses;
  std::vector<serve::Fault> faults;
  int closed = 0;
};

class ServeFixture {
 public:
  explicit ServeFixture(Kind kind = Kind::unix_socket, const serve::Limits& limits = {})
      : limits_(limits), loop(std::move(*loop::Loop::create())), deadlines_(std::in_place, *loop) {
    Sockets sockets = connected_sockets(kind);
    connection.emplace(static_cast<serve::ConnectionObserver&>(front), *deadlines_, heads_, limits_);
    client.emplace(std::move(sockets.peer));
    const int family = kind == Kind::tcp ? AF_INET : AF_UNIX;
    REQUIRE(connection->start(*loop, std::move(sockets.ours), family).has_value());
  }
  ServeFixture(const ServeFixture&) = delete;
  ServeFixture& operator=(const ServeFixture&) = delete;
  // Checks that no handle leaked.
  ~ServeFixture() {
    connection.reset();
    deadlines_.reset();
    CHECK(loop->close() == 0);
  }

  // Everything that could happen at once has happened.
  void settle() {
    for (int calm = 0; calm < 2;) {
      const bool moved = client->pump();
      loop->run_once(false);
      calm = moved || has_work(*loop) ? 0 : calm + 1;
    }
  }
  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    return run_until(*loop, [&] {
      client->pump();
      return condition();
    });
  }
  // What comes back for these bytes, up to and with `end`.
  std::string ask(std::string_view bytes, std::string_view end) {
    client->send(bytes);
    std::string answer;
    CHECK(until([&] {
      answer += client->take();
      return answer.ends_with(end);
    }));
    return answer;
  }

 private:
  serve::Limits limits_;
  http::HeadReader heads_;

 public:
  std::unique_ptr<loop::Loop> loop;
  Front front;

 private:
  std::optional<loop::Deadlines> deadlines_;

 public:
  std::optional<serve::Connection> connection;
  std::optional<RawEnd> client;
};

inline constexpr std::string_view kGet = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";

inline std::string post(const std::string& fields, const std::string& body) {
  return "POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

}  // namespace gracevisor::test
