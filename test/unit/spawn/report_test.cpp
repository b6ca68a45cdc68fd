#include "spawn/report.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "spawn/protocol.h"

namespace gracevisor::spawn {
namespace {

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
  const SpawnFailed kCrashed{SpawnStage::crashed, 0};
  auto exec = static_cast<std::uint16_t>(SpawnStage::exec);
  CHECK(!report_of(byte).has_value());
  CHECK(report_of(byte + record(1, exec, ENOENT)) == SpawnFailed{SpawnStage::exec, ENOENT});
  CHECK(report_of(record(1, static_cast<std::uint16_t>(SpawnStage::uid), EAGAIN)) ==
        SpawnFailed{SpawnStage::uid, EAGAIN});
  CHECK(report_of("") == kCrashed);
  CHECK(report_of("x") == kCrashed);
  CHECK(report_of(byte + byte) == kCrashed);
  CHECK(report_of(record(2, exec, 1)) == kCrashed);
  CHECK(report_of(record(1, static_cast<std::uint16_t>(SpawnStage::nofile), EPERM)) ==
        SpawnFailed{SpawnStage::nofile, EPERM});
  // Stages of the daemon, and none.
  CHECK(report_of(record(1, exec + 1, 1)) == kCrashed);
  CHECK(report_of(record(1, static_cast<std::uint16_t>(SpawnStage::keeper), 1)) == kCrashed);
  CHECK(report_of(record(1, static_cast<std::uint16_t>(kLastStage) + 1, 1)) == kCrashed);
  CHECK(report_of(byte + record(1, exec, 1) + "x") == kCrashed);
  CHECK(report_of(std::string(1000, kAboutToExec)) == kCrashed);
}

}  // namespace
}  // namespace gracevisor::spawn
