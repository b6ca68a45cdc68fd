#include "spec/credentials.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace gracevisor::spec {
namespace {

std::string error_of(std::string_view user) {
  auto who = look_up_credentials(user);
  return who ? "" : who.error().what;
}

TEST_CASE("credentials: the daemon's own user by name and by number") {
  auto own = own_credentials();
  CHECK(own.uid == ::geteuid());
  CHECK(own.gid == ::getegid());
  REQUIRE_MESSAGE(!own.name.empty(), "the user that runs the tests has a record");
  auto by_name = look_up_credentials(own.name);
  REQUIRE(by_name.has_value());
  CHECK(by_name->uid == own.uid);
  CHECK(by_name->home == own.home);
  CHECK(std::ranges::find(by_name->groups, by_name->gid) != by_name->groups.end());
  auto by_number = look_up_credentials(std::to_string(own.uid) + ":" + std::to_string(own.gid));
  REQUIRE(by_number.has_value());
  CHECK(by_number->name == own.name);
  CHECK(by_number->gid == own.gid);
}

TEST_CASE("credentials: who is unknown is named") {
  CHECK(error_of("no-such-user") == "no user \"no-such-user\"");
  CHECK(error_of("root:no-such-group") == "no group \"no-such-group\"");
  CHECK(error_of("3999999999") == "user 3999999999 has no record; name its group too (\"3999999999:GROUP\")");
}

TEST_CASE("credentials: text that is no user") {
  for (const char* text : {"", ":", "root:", ":root"}) {
    CAPTURE(text);
    CHECK(error_of(text).find("is not of the form") != std::string::npos);
  }
  // The highest number means "leave it" to the kernel, and larger ones would wrap around to a real user.
  CHECK(error_of("4294967295:0") == "no user \"4294967295\"");
  CHECK(error_of("4294967296:0") == "no user \"4294967296\"");
  CHECK(error_of("-1:0") == "no user \"-1\"");
}

TEST_CASE("credentials: only root becomes somebody else") {
  if (::geteuid() == 0) {
    auto who = look_up_credentials("12345:12346");
    REQUIRE(who.has_value());
    CHECK(who->uid == 12345);
    CHECK(who->gid == 12346);
    CHECK(who->groups == std::vector<gid_t>{12346});
    auto other_group = look_up_credentials("daemon:12346");
    REQUIRE(other_group.has_value());
    CHECK(other_group->gid == 12346);
    CHECK(other_group->name == "daemon");
  } else {
    CHECK(error_of("root").starts_with("only root can start an app as \"root\""));
  }
}

}  // namespace
}  // namespace gracevisor::spec
