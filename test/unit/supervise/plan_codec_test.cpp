#include "supervise/plan_codec.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "supervise/spawn_protocol.h"

namespace gracevisor::supervise {
namespace {

SpawnPlan rich_plan() {
  SpawnPlan plan;
  plan.program = "/bin/sh";
  plan.argv = {"sh", "", "\xff\xfe", "two words"};
  plan.environment = {"A=1", "B="};
  plan.directory = "/srv";
  plan.credentials = Credentials{1, 2, {3, 4}, "name", "/home", "/bin/zsh"};
  plan.open_files = 1024;
  plan.listener = 17;
  return plan;
}

TEST_CASE("plan codec: everything comes back as it was") {
  auto plan = rich_plan();
  auto back = decode_plan(encode_plan(plan));
  REQUIRE(back.has_value());
  CHECK(back->program == plan.program);
  CHECK(back->argv == plan.argv);
  CHECK(back->environment == plan.environment);
  CHECK(back->directory == plan.directory);
  CHECK(back->open_files == plan.open_files);
  CHECK(back->listener == kListenerFd);
  REQUIRE(back->credentials.has_value());
  CHECK(back->credentials->uid == 1);
  CHECK(back->credentials->gid == 2);
  CHECK(back->credentials->groups == std::vector<gid_t>{3, 4});
  CHECK(back->credentials->name == "name");
  CHECK(back->credentials->home == "/home");
  CHECK(back->credentials->shell == "/bin/zsh");

  auto empty = decode_plan(encode_plan({}));
  REQUIRE(empty.has_value());
  CHECK(!empty->credentials.has_value());
  CHECK(!empty->open_files.has_value());
  CHECK(empty->listener == -1);
}

TEST_CASE("plan codec: what is cut or longer at any place is refused") {
  std::string whole = encode_plan(rich_plan());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(!decode_plan(std::string_view(whole).substr(0, size)).has_value());
  }
  CHECK(!decode_plan(whole + "x").has_value());
  CHECK(!decode_plan(std::string(1000, '\xff')).has_value());
}

TEST_CASE("plan codec: a sealed plan can be read from any offset and never changed") {
  auto fd = seal_plan(rich_plan());
  REQUIRE(fd.has_value());
  CHECK(::write(fd->get(), "x", 1) == -1);
  CHECK(::ftruncate(fd->get(), 0) == -1);
  CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
  auto back = read_sealed_plan(fd->get());
  REQUIRE(back.has_value());
  CHECK(back->argv == rich_plan().argv);
}

TEST_CASE("plan codec: what is no sealed memfd is refused") {
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  CHECK(!read_sealed_plan(pipe->read_end.get()).has_value());
  CHECK(!read_sealed_plan(-1).has_value());
}

TEST_CASE("plan codec: a plan beyond the bound is refused") {
  SpawnPlan plan;
  plan.argv = {std::string(17U << 20, 'x')};
  auto fd = seal_plan(plan);
  REQUIRE(!fd.has_value());
  CHECK(fd.error().code == E2BIG);
}

std::optional<SpawnFailed> report_of(std::string_view bytes) {
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  REQUIRE(base::set_nonblocking(pipe->read_end.get()).has_value());
  SpawnReport report(std::move(pipe->read_end));
  // Byte by byte: no split may matter.
  for (char byte : bytes) {
    REQUIRE(::write(pipe->write_end.get(), &byte, 1) == 1);
    CHECK(!report.read_to_end());
  }
  pipe->write_end.reset();
  REQUIRE(report.read_to_end());
  return report.failure();
}

std::string record(std::uint16_t version, std::uint16_t stage, std::int32_t code) {
  SpawnRecord raw{version, stage, code};
  return {reinterpret_cast<const char*>(&raw), sizeof raw};
}

TEST_CASE("spawn report: the byte alone means running, a record tells the step, all else is a crash") {
  const std::string byte(1, kAboutToExec);
  constexpr SpawnFailed kCrashed{SpawnStage::crashed, 0};
  auto exec = static_cast<std::uint16_t>(SpawnStage::exec);
  CHECK(!report_of(byte).has_value());
  CHECK(report_of(byte + record(1, exec, ENOENT)) == SpawnFailed{SpawnStage::exec, ENOENT});
  CHECK(report_of(record(1, static_cast<std::uint16_t>(SpawnStage::uid), EAGAIN)) ==
        SpawnFailed{SpawnStage::uid, EAGAIN});
  CHECK(report_of("") == kCrashed);
  CHECK(report_of("x") == kCrashed);
  CHECK(report_of(byte + byte) == kCrashed);
  CHECK(report_of(record(2, exec, 1)) == kCrashed);
  CHECK(report_of(record(1, exec + 1, 1)) == kCrashed);
  CHECK(report_of(byte + record(1, exec, 1) + "x") == kCrashed);
  CHECK(report_of(std::string(1000, kAboutToExec)) == kCrashed);
}

}  // namespace
}  // namespace gracevisor::supervise
