#include "control/trust.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/answers.h"
#include "control/client.h"
#include "support/control_server.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using control::may_be_believed;

TEST_CASE("trust: root and oneself are believed anywhere") {
  CHECK(may_be_believed(0, 1000, "/tmp/x/gracevisor.sock"));
  CHECK(may_be_believed(1000, 1000, "/tmp/x/gracevisor.sock"));
  CHECK(may_be_believed(0, 1000, "/no/such/folder/gracevisor.sock"));
}

TEST_CASE("trust: another user is believed only where nobody else could have put the socket") {
  if (::geteuid() != 0) return;
  constexpr uid_t kDaemon = 65534;
  // Below a folder that everybody can write to, nothing is.
  test::TempFolder temporary;
  CHECK_FALSE(may_be_believed(kDaemon, 0, temporary / "gracevisor.sock"));
  std::filesystem::path base = "/run/gv-test-trust-" + std::to_string(::getpid());
  std::filesystem::create_directories(base / "own");
  REQUIRE(::chmod(base.c_str(), 0755) == 0);
  REQUIRE(::chmod((base / "own").c_str(), 0750) == 0);
  REQUIRE(::chown((base / "own").c_str(), kDaemon, 0) == 0);
  CHECK(may_be_believed(kDaemon, 0, base / "own" / "gracevisor.sock"));
  CHECK_FALSE(may_be_believed(65533, 0, base / "own" / "gracevisor.sock"));
  REQUIRE(::chmod((base / "own").c_str(), 0770) == 0);
  CHECK_FALSE(may_be_believed(kDaemon, 0, base / "own" / "gracevisor.sock"));
  REQUIRE(::chmod((base / "own").c_str(), 0750) == 0);
  // A link in a guarded folder leads there as well.
  std::filesystem::create_directory_symlink("own", base / "beside");
  CHECK(may_be_believed(kDaemon, 0, base / "beside" / "gracevisor.sock"));
  CHECK(may_be_believed(kDaemon, 0, base / "own" / ".." / "beside" / "gracevisor.sock"));
  std::filesystem::create_directory_symlink("round", base / "round");
  CHECK_FALSE(may_be_believed(kDaemon, 0, base / "round" / "gracevisor.sock"));
  // One that anybody could have laid does not, however well guarded the folder is that it leads to.
  std::filesystem::create_directory_symlink(base / "own", temporary / "link");
  CHECK_FALSE(may_be_believed(kDaemon, 0, temporary / "link" / "gracevisor.sock"));
  REQUIRE(::chmod(base.c_str(), 01777) == 0);
  CHECK_FALSE(may_be_believed(kDaemon, 0, base / "own" / "gracevisor.sock"));
  // Nor does one that leads to where anybody can write.
  std::filesystem::create_directory_symlink(temporary.path(), base / "own" / "link");
  CHECK_FALSE(may_be_believed(kDaemon, 0, base / "own" / "link" / "gracevisor.sock"));
  std::filesystem::remove_all(base);
}

TEST_CASE("trust: a stranger's socket is asked nothing") {
  if (::geteuid() != 0) return;
  int asked = 0;
  test::ControlServer server(
      [&](const control::Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
        ++asked;
        control::send_json(*response, R"({"version":"9","pid":1})");
      });
  // The kernel remembers who began to listen: this process as root. So it is asked by somebody else.
  REQUIRE(::chmod(server.path().c_str(), 0666) == 0);
  REQUIRE(::chmod(std::filesystem::path(server.path()).parent_path().c_str(), 0755) == 0);
  REQUIRE(::seteuid(65534) == 0);
  std::string other;
  auto theirs = std::make_unique<test::TempFolder>();
  {
    test::ControlServer impostor(
        [&](const control::Request& /*request*/, const std::shared_ptr<serve::Response>& response) {
          ++asked;
          control::send_json(*response, R"({"version":"9","pid":1})");
        });
    other = impostor.path();
    REQUIRE(::seteuid(0) == 0);
    auto answer = control::Client(other).ask({http::Method::get, "/v1/version", {}});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().kind == control::CallError::Kind::not_permitted);
    CHECK(answer.error().what.starts_with("user 65534 listens at " + other));
    CHECK(impostor.stop() == 0);
  }
  CHECK(server.stop() == 0);
  CHECK(asked == 0);
}
