#include "control/access.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/unique_fd.h"

using namespace gracevisor;
using namespace gracevisor::control;

TEST_CASE("access: root and the daemon's user may everything, operators their part, others nothing") {
  constexpr uid_t kDaemon = 900;
  constexpr gid_t kOperators = 50;
  AccessPolicy with_operators{kDaemon, kOperators};
  AccessPolicy alone{kDaemon, {}};
  CHECK(role_of({0, 0, 1, {}}, alone) == Role::admin);
  CHECK(role_of({kDaemon, 7, 1, {}}, alone) == Role::admin);
  CHECK(role_of({1000, 1000, 1, {}}, alone) == Role::none);
  CHECK(role_of({1000, kOperators, 1, {kOperators}}, alone) == Role::none);
  CHECK(role_of({1000, kOperators, 1, {}}, with_operators) == Role::operator_);
  CHECK(role_of({1000, 1000, 1, {4, kOperators}}, with_operators) == Role::operator_);
  CHECK(role_of({1000, 1000, 1, {4, 51}}, with_operators) == Role::none);
  CHECK(role_of({kDaemon, kOperators, 1, {}}, with_operators) == Role::admin);
}

TEST_CASE("access: the socket opens for a group only where there is one") {
  CHECK(AccessPolicy{1, {}}.socket_mode() == 0600);
  CHECK(AccessPolicy{1, 5}.socket_mode() == 0660);
  CHECK(AccessPolicy{1, {}}.folder_mode() == 0700);
  CHECK(AccessPolicy{1, 5}.folder_mode() == 0750);
}

TEST_CASE("access: a group that does not exist gives nobody access") {
  AccessPolicy policy = access_policy("gracevisor-no-such-group");
  CHECK(policy.owner == ::geteuid());
  CHECK_FALSE(policy.operators);
  CHECK_FALSE(access_policy("").operators);
}

TEST_CASE("access: the kernel names the other end") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  base::UniqueFd one(ends[0]);
  base::UniqueFd other(ends[1]);
  auto peer = peer_of(one.get());
  REQUIRE(peer);
  CHECK(peer->uid == ::geteuid());
  CHECK(peer->gid == ::getegid());
  CHECK(peer->pid == ::getpid());
  CHECK(peer->groups.size() == static_cast<std::size_t>(::getgroups(0, nullptr)));
  CHECK_FALSE(peer_of(-1));
}
