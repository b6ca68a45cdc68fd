// The client against daemons that are not there, that say nonsense, or that keep silent.
#include "control/client.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "base/address.h"
#include "base/unique_fd.h"
#include "control/socket_file.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::control;
using Kind = CallError::Kind;

namespace {

const Call kStatus{http::Method::get, "/v1/status", {}};

base::UniqueFd bound(const std::string& path) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = base::Address::unix_path(path);
  REQUIRE(address);
  REQUIRE(::bind(fd.get(), address->get(), address->length()) == 0);
  return fd;
}

// Accepts one connection, says `answer` at once, and hangs up when the client does.
class Impostor {
 public:
  explicit Impostor(std::string answer) : path_((folder_ / "gv.sock").string()), socket_(bound(path_)) {
    REQUIRE(::listen(socket_.get(), 1) == 0);
    thread_ = std::thread([this, answer = std::move(answer)] {
      base::UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      (void)::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      if (!answer.empty()) (void)::shutdown(client.get(), SHUT_WR);
      char byte = 0;
      while (::recv(client.get(), &byte, 1, 0) > 0) {
      }
    });
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;
  ~Impostor() { thread_.join(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  test::TempFolder folder_;
  std::string path_;
  base::UniqueFd socket_;
  std::thread thread_;
};

Kind failure_of(std::string answer) {
  Impostor impostor(std::move(answer));
  auto result = Client(impostor.path()).ask(kStatus);
  REQUIRE_FALSE(result);
  CHECK(result.error().what.find(impostor.path()) != std::string::npos);
  return result.error().kind;
}

}  // namespace

TEST_CASE("client: without a daemon it says where it looked and what may be wrong") {
  test::TempFolder folder;
  std::string path = (folder / "gv.sock").string();
  auto missing = Client(path).ask(kStatus);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == Kind::unreachable);
  CHECK(missing.error().what ==
        "no daemon at " + path + " (No such file or directory): is gracevisord running?");
  auto stale = bound(path);
  auto refused = Client(path).ask(kStatus);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::unreachable);
  CHECK(refused.error().what ==
        "nobody answers at " + path + " (Connection refused): gracevisord is not running");
  CHECK(Client(std::string(200, 'x')).ask(kStatus).error().kind == Kind::unusable);
}

TEST_CASE("client: a socket that is not for this user is told from one that is not there") {
  if (::geteuid() != 0) return;  // only root can become somebody else
  test::TempFolder folder;
  std::string path = (folder / "gv.sock").string();
  auto socket = bound(path);
  REQUIRE(::seteuid(65534) == 0);
  auto refused = Client(path).ask(kStatus);
  REQUIRE(::seteuid(0) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == Kind::not_permitted);
  CHECK(refused.error().what.starts_with("no permission to use " + path + " (Permission denied)"));
}

TEST_CASE("client: what no daemon says is malformed, and half an answer is a lost one") {
  CHECK(failure_of("SSH-2.0-OpenSSH\r\n\r\n") == Kind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n") == Kind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") == Kind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n") == Kind::malformed);
  CHECK(failure_of("HTTP/1.1 200 OK\r\n") == Kind::lost);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab") == Kind::lost);
  CHECK(failure_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n") == Kind::lost);
}

TEST_CASE("client: an interim answer is passed over, and a body without a length ends with the connection") {
  Impostor impostor("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{\"a\":1}");
  auto answer = Client(impostor.path()).ask(kStatus);
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body == "{\"a\":1}");
}

TEST_CASE("client: a line without an end is not kept for ever") {
  Impostor impostor("HTTP/1.1 200 OK\r\n\r\n" + std::string(5U << 20, 'x'));
  auto result = Client(impostor.path()).stream(kStatus, [](std::string_view /*line*/) { return true; });
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == Kind::malformed);
}

TEST_CASE("client: a caller that has enough hangs up") {
  Impostor impostor("HTTP/1.1 200 OK\r\n\r\n{}\n{}\n{}\n");
  int lines = 0;
  auto result =
      Client(impostor.path()).stream(kStatus, [&](std::string_view /*line*/) { return ++lines < 2; });
  CHECK(result);
  CHECK(lines == 2);
}

TEST_CASE("client: a silent daemon does not answer, and an interrupted wait ends") {
  {
    Impostor impostor("");
    auto result = Client(impostor.path(), {-1, base::Millis(20)}).ask(kStatus);
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::silent);
    CHECK(result.error().what == "the daemon does not answer at " + impostor.path());
  }
  Impostor impostor("");
  auto pipe = base::make_pipe();
  REQUIRE(pipe);
  REQUIRE(::write(pipe->write_end.get(), "!", 1) == 1);
  auto result = Client(impostor.path(), {pipe->read_end.get(), base::Millis(10000)}).ask(kStatus);
  REQUIRE_FALSE(result);
  CHECK(result.error().kind == Kind::interrupted);
}

TEST_CASE("client: the default socket is the user's own") {
  CHECK(default_socket_path(0, "/run/user/0") == "/run/gracevisor/gracevisor.sock");
  CHECK(default_socket_path(1000, "/run/user/1000") == "/run/user/1000/gracevisor/gracevisor.sock");
  CHECK(default_socket_path(1000, "") == "/tmp/gracevisor-1000/gracevisor.sock");
  CHECK(default_socket_path(1000, "run") == "/tmp/gracevisor-1000/gracevisor.sock");
}

TEST_CASE("client: a deadline ends a call, whether the daemon is silent or has only begun its answer") {
  for (const char* answer : {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n", ""}) {
    CAPTURE(answer);
    test::TempFolder folder;
    const std::string path = (folder / "gv.sock").string();
    base::UniqueFd listener = bound(path);
    REQUIRE(::listen(listener.get(), 1) == 0);
    std::thread daemon([&] {
      base::UniqueFd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      (void)::send(client.get(), answer, std::strlen(answer), MSG_NOSIGNAL);
      char byte = 0;
      while (::recv(client.get(), &byte, 1, 0) > 0) {
      }
    });
    Client client(path, {.deadline = std::chrono::steady_clock::now() + base::Millis(50)});
    int lines = 0;
    auto result = client.stream(kStatus, [&](std::string_view /*line*/) { return ++lines > 0; });
    REQUIRE_FALSE(result);
    CHECK(result.error().kind == Kind::late);
    CHECK(lines == (*answer == 0 ? 0 : 1));
    daemon.join();
  }
}
