// What is sealed is read back as it was, and whatever is not sealed is refused.
#include "base/sealed_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace gracevisor::base {
namespace {

TEST_CASE("sealed file: the bytes can be read from any offset and never changed") {
  for (const std::string& bytes : {std::string(), std::string("a\0b", 3), std::string(300'000, 'x')}) {
    CAPTURE(bytes.size());
    auto file = seal(bytes, "sample", bytes.size());
    REQUIRE(file.has_value());
    CHECK(::write(file->get(), "x", 1) == -1);
    CHECK(::ftruncate(file->get(), 7) == -1);
    CHECK((::fcntl(file->get(), F_GETFD) & FD_CLOEXEC) != 0);
    auto back = read_sealed(file->get(), "sample", bytes.size());
    REQUIRE(back.has_value());
    CHECK(*back == bytes);
  }
}

TEST_CASE("sealed file: more than is allowed is refused on both sides, by name") {
  auto refused = seal("1234", "sample", 3);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == E2BIG);
  CHECK(refused.error().what.starts_with("sample: "));
  auto file = seal("1234", "sample", 4);
  REQUIRE(file.has_value());
  auto back = read_sealed(file->get(), "sample", 3);
  REQUIRE(!back.has_value());
  CHECK(back.error().code == E2BIG);
}

TEST_CASE("sealed file: a pipe, an ordinary file and half of the seals are refused") {
  auto pipe = make_pipe();
  REQUIRE(pipe.has_value());
  CHECK(!read_sealed(pipe->read_end.get(), "sample", 10).has_value());
  CHECK(!read_sealed(-1, "sample", 10).has_value());
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(!read_sealed(null.get(), "sample", 10).has_value());
  const UniqueFd half(::memfd_create("sample", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::fcntl(half.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
  auto back = read_sealed(half.get(), "sample", 10);
  REQUIRE(!back.has_value());
  CHECK(back.error().code == EBADF);
}

}  // namespace
}  // namespace gracevisor::base
