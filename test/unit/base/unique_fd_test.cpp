#include "base/unique_fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

using namespace gracevisor::base;

namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

UniqueFd some_fd() {
  return UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

}  // namespace

TEST_CASE("unique fd: the descriptor is closed exactly by its last owner") {
  int number = -1;
  {
    UniqueFd first = some_fd();
    number = first.get();
    UniqueFd second = std::move(first);
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left of it is the point
    CHECK(second.get() == number);
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("unique fd: assignment and reset close what was held, release does not") {
  UniqueFd a = some_fd();
  UniqueFd b = some_fd();
  int old_a = a.get();
  int old_b = b.get();
  a = std::move(b);
  CHECK_FALSE(is_open(old_a));
  CHECK(a.get() == old_b);
  int released = a.release();
  CHECK_FALSE(a);
  CHECK(is_open(released));
  a.reset(released);
  a.reset();
  CHECK_FALSE(is_open(released));
}

TEST_CASE("unique fd: assignment to itself keeps the descriptor") {
  UniqueFd fd = some_fd();
  UniqueFd& same = fd;
  fd = std::move(same);
  CHECK(fd);
  CHECK(is_open(fd.get()));
}

TEST_CASE("unique fd: descriptors are close-on-exec, a duplicate has the number asked for") {
  auto pipe = make_pipe();
  REQUIRE(pipe.has_value());
  CHECK(::fcntl(pipe->read_end.get(), F_GETFD) == FD_CLOEXEC);
  CHECK(::fcntl(pipe->write_end.get(), F_GETFD) == FD_CLOEXEC);
  auto copy = duplicate(pipe->write_end.get(), 100);
  REQUIRE(copy.has_value());
  CHECK(copy->get() >= 100);
  CHECK(::fcntl(copy->get(), F_GETFD) == FD_CLOEXEC);
  CHECK(duplicate(-1).error().code == EBADF);
}

TEST_CASE("unique fd: non-blocking is set and other flags stay") {
  auto pipe = make_pipe();
  REQUIRE(pipe.has_value());
  CHECK(set_nonblocking(pipe->read_end.get()).has_value());
  char byte = 0;
  CHECK(::read(pipe->read_end.get(), &byte, 1) == -1);
  CHECK(errno == EAGAIN);
  CHECK((::fcntl(pipe->write_end.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK(set_nonblocking(-1).error().code == EBADF);
}
