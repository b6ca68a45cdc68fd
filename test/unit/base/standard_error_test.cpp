#include "base/standard_error.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>

#include "base/unique_fd.h"

using namespace gracevisor::base;
using Result = StandardError::Result;
using std::chrono::milliseconds;

namespace {

// More than a pipe or a socket takes.
const std::string kFlood(4U << 20, 'x');

struct Ends {
  UniqueFd read;
  UniqueFd write;
};

Ends pipe_ends() {
  std::array<int, 2> pair{};
  REQUIRE(::pipe2(pair.data(), O_CLOEXEC) == 0);
  return {UniqueFd(pair[0]), UniqueFd(pair[1])};
}

Ends socket_ends() {
  std::array<int, 2> pair{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  return {UniqueFd(pair[0]), UniqueFd(pair[1])};
}

void take_all(int fd) {
  REQUIRE(set_nonblocking(fd).has_value());
  std::array<char, 65536> buffer{};
  while (::read(fd, buffer.data(), buffer.size()) > 0) {
  }
}

}  // namespace

TEST_CASE("standard error: a reader that takes nothing is waited for as long as it is told") {
  for (auto make : {pipe_ends, socket_ends}) {
    Ends ends = make();
    int flags = ::fcntl(ends.write.get(), F_GETFL);
    StandardError out(ends.write.get());
    std::string_view text = kFlood;
    auto begun = std::chrono::steady_clock::now();
    CHECK(out.write(text, milliseconds(50)) == Result::stuck);
    CHECK(std::chrono::steady_clock::now() - begun >= milliseconds(50));
    CHECK(text.size() < kFlood.size());
    CHECK(text.size() > 0);
    // Other programs may share the open file.
    CHECK(::fcntl(ends.write.get(), F_GETFL) == flags);
    // Room for more: it goes on where it was.
    std::size_t left = text.size();
    take_all(ends.read.get());
    CHECK(out.write(text, milliseconds(0)) == Result::stuck);
    CHECK(text.size() < left);
  }
}

TEST_CASE("standard error: a reader that is gone is no reason to wait") {
  auto before = std::signal(SIGPIPE, SIG_IGN);
  for (auto make : {pipe_ends, socket_ends}) {
    Ends ends = make();
    StandardError out(ends.write.get());
    ends.read.reset();
    std::string_view text = "line\n";
    CHECK(out.write(text, std::chrono::hours(1)) == Result::broken);
  }
  (void)std::signal(SIGPIPE, before);
}

TEST_CASE("standard error: a file is written as it is and a full disk is an error") {
  std::string path = "/tmp/gv-standard-error-XXXXXX";
  UniqueFd file(::mkstemp(path.data()));
  REQUIRE(file);
  (void)::unlink(path.c_str());
  StandardError out(file.get());
  std::string_view text = kFlood;
  CHECK(out.write(text, milliseconds(0)) == Result::done);
  CHECK(::lseek(file.get(), 0, SEEK_END) == static_cast<off_t>(kFlood.size()));
  UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full);
  text = kFlood;
  CHECK(StandardError(full.get()).write(text, std::chrono::hours(1)) == Result::broken);
  CHECK(StandardError(-1).write(text, std::chrono::hours(1)) == Result::broken);
}
