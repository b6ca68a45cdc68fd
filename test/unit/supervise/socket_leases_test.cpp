// Paths and listening sockets of instances: what lies where, whose it is, and what is left afterwards.
#include "supervise/socket_leases.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::spec;
using namespace gracevisor::supervise;
using routing::Identity;

namespace {

namespace fs = std::filesystem;

Identity who(unsigned generation, unsigned slot, unsigned incarnation) {
  return {base::AppId(1), base::GenerationId(generation), base::Slot(slot), base::Incarnation(incarnation)};
}

Spec spec_of(config::EndpointKind kind, const std::string& app = "web") {
  Spec spec;
  spec.app.name = app;
  spec.app.endpoint = kind;
  return spec;
}

fs::path path_of(const base::Address& address) {
  return address.text().substr(5);
}

base::UniqueFd bind_at(const base::Address& address) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(fd.get(), address.get(), address.length()) == 0);
  REQUIRE(::listen(fd.get(), 8) == 0);
  return fd;
}

// errno of the attempt, or 0; the connection stays in `kept`.
int connect_to(const base::Address& address, base::UniqueFd& kept) {
  kept.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(kept.get(), address.get(), address.length()) == 0 ? 0 : errno;
}

mode_t mode_of(const fs::path& file) {
  struct stat st{};
  REQUIRE(::lstat(file.c_str(), &st) == 0);
  return st.st_mode & 07777;
}
uid_t owner_of(const fs::path& file) {
  struct stat st{};
  REQUIRE(::lstat(file.c_str(), &st) == 0);
  return st.st_uid;
}

bool empty_of_apps(const fs::path& runtime_dir) {
  return !fs::exists(runtime_dir / "apps") || fs::is_empty(runtime_dir / "apps");
}

const auto kNever = [](const Identity&) { return false; };
const auto kAll = [](const Identity&) { return true; };

}  // namespace

TEST_CASE("socket leases: every incarnation has a short path of its own, in a folder that is private") {
  test::TempFolder folder;
  SocketLeases leases(folder.path());
  auto spec = spec_of(config::EndpointKind::socket);
  auto first = leases.lease(who(42, 1, 1), spec);
  auto second = leases.lease(who(42, 1, 2), spec);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(path_of(*first) == folder / "apps/web/42/1-1.sock");
  CHECK(path_of(*second) == folder / "apps/web/42/1-2.sock");
  CHECK(mode_of(folder / "apps/web/42") == 0700);
  CHECK_FALSE(first->owner().has_value());
  auto listening = bind_at(*first);
  auto other = bind_at(*second);
  leases.give_back(*first);
  CHECK_FALSE(fs::exists(path_of(*first)));
  CHECK(fs::exists(path_of(*second)));
  leases.give_back(*second);
  CHECK(empty_of_apps(folder.path()));
}

TEST_CASE("socket leases: what stands at the path is removed before an incarnation starts") {
  test::TempFolder folder;
  SocketLeases leases(folder.path());
  fs::create_directories(folder / "apps/web/42");
  test::put_content(folder / "apps/web/42/1-1.sock", "left");
  auto address = leases.lease(who(42, 1, 1), spec_of(config::EndpointKind::socket));
  REQUIRE(address.has_value());
  CHECK_FALSE(fs::exists(path_of(*address)));
  leases.give_back(*address);
  fs::create_directories(folder / "apps/web/43/1-1.sock");
  CHECK_FALSE(leases.lease(who(43, 1, 1), spec_of(config::EndpointKind::socket)).has_value());
}

TEST_CASE("socket leases: a path that is too long is an error that names the limit") {
  test::TempFolder folder;
  SocketLeases leases(folder / std::string(100, 'x'));
  for (auto kind : {config::EndpointKind::socket, config::EndpointKind::fd}) {
    auto spec = spec_of(kind);
    auto leased = leases.lease(who(1, 1, 1), spec);
    REQUIRE_FALSE(leased.has_value());
    CHECK(leased.error().what.ends_with(" is longer than 107 bytes"));
    CHECK_FALSE(leases.listening(who(1, 1, 1), spec).has_value());
  }
}

TEST_CASE("socket leases: a slot's listening socket outlives incarnations, and so does its backlog") {
  test::TempFolder folder;
  SocketLeases leases(folder.path());
  auto spec = spec_of(config::EndpointKind::fd);
  auto first = leases.listening(who(42, 1, 1), spec);
  REQUIRE(first.has_value());
  CHECK(path_of(first->address) == folder / "apps/web/42/1.sock");
  CHECK(mode_of(path_of(first->address)) == 0600);
  CHECK((::fcntl(first->fd, F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(first->fd, F_GETFD) & FD_CLOEXEC) != 0);
  base::UniqueFd waiting;
  REQUIRE(connect_to(first->address, waiting) == 0);
  leases.close_listening(kNever);
  auto again = leases.listening(who(42, 1, 2), spec);
  REQUIRE(again.has_value());
  CHECK(again->fd == first->fd);
  CHECK(again->address == first->address);
  base::UniqueFd accepted(::accept4(again->fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  CHECK(accepted);
  auto other = leases.listening(who(42, 2, 1), spec);
  REQUIRE(other.has_value());
  CHECK(other->fd != first->fd);

  // One slot's end leaves the other alone.
  leases.close_listening([](const Identity& slot) {
    CHECK(slot.incarnation == base::Incarnation(0));
    return slot.slot == base::Slot(1);
  });
  CHECK_FALSE(fs::exists(path_of(first->address)));
  CHECK(connect_to(other->address, waiting) == 0);
  leases.close_listening(kAll);
  CHECK(empty_of_apps(folder.path()));
}

TEST_CASE(
    "socket leases: who waits at a socket that closes is sent away, even when a process still holds it") {
  test::TempFolder folder;
  SocketLeases leases(folder.path());
  auto listening = leases.listening(who(1, 1, 1), spec_of(config::EndpointKind::fd));
  REQUIRE(listening.has_value());
  base::UniqueFd waiting;
  REQUIRE(connect_to(listening->address, waiting) == 0);
  leases.close_listening(kAll);
  char byte = 0;
  CHECK(::read(waiting.get(), &byte, 1) == 0);

  listening = leases.listening(who(1, 1, 2), spec_of(config::EndpointKind::fd));
  REQUIRE(listening.has_value());
  auto held = base::duplicate(listening->fd);
  REQUIRE(held.has_value());
  fs::create_hard_link(path_of(listening->address), folder / "link");
  REQUIRE(connect_to(listening->address, waiting) == 0);
  leases.close_listening(kAll);
  CHECK(::read(waiting.get(), &byte, 1) == 0);
  auto link = base::Address::unix_path((folder / "link").string());
  REQUIRE(link.has_value());
  CHECK(connect_to(*link, waiting) == ECONNREFUSED);
}

TEST_CASE("socket leases: its end closes every listening socket and removes the files") {
  test::TempFolder folder;
  {
    SocketLeases leases(folder.path());
    REQUIRE(leases.listening(who(1, 1, 1), spec_of(config::EndpointKind::fd)).has_value());
    REQUIRE(leases.listening(who(2, 1, 1), spec_of(config::EndpointKind::fd, "api")).has_value());
  }
  CHECK(empty_of_apps(folder.path()));
}

TEST_CASE("socket leases: what a former daemon left is removed, and what an app left beside its socket") {
  test::TempFolder folder;
  for (const char* place : {"apps/web/41", "apps/web/42", "apps/api/7"}) {
    fs::create_directories(folder / place);
    auto address = base::Address::unix_path((folder / place / "1-1.sock").string());
    REQUIRE(address.has_value());
    (void)bind_at(*address);
    test::put_content(folder / place / "1-1.sock.lock", "4711");
  }
  test::put_content(folder / "gracevisor.sock", "not theirs");
  SocketLeases leases(folder.path());
  leases.clear_leftovers();
  CHECK(empty_of_apps(folder.path()));
  CHECK(fs::exists(folder / "gracevisor.sock"));

  auto address = leases.lease(who(1, 1, 1), spec_of(config::EndpointKind::socket));
  REQUIRE(address.has_value());
  test::put_content(folder / "apps/web/1/lock", "");
  leases.give_back(*address);
  CHECK(empty_of_apps(folder.path()));
}

TEST_CASE(
    "socket leases: another user gets a folder of its own to bind in, and none where it is passed a socket") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  test::TempFolder folder;
  fs::create_directory(folder / "run");
  REQUIRE(::chmod((folder / "run").c_str(), 0750) == 0);
  SocketLeases leases(folder / "run");
  auto spec = spec_of(config::EndpointKind::socket);
  spec.credentials = spawn::Credentials{12345, 12346, {12346}, "", "", ""};
  auto address = leases.lease(who(1, 1, 1), spec);
  REQUIRE(address.has_value());
  CHECK(address->owner() == 12345);
  CHECK(owner_of(folder / "run/apps/web/1") == 12345);
  CHECK(mode_of(folder / "run/apps/web/1") == 0700);
  CHECK(owner_of(folder / "run/apps/web") == 0);
  CHECK(mode_of(folder / "run/apps/web") == 0711);
  // Others may pass through the daemon's folder from now on, and no more.
  CHECK(mode_of(folder / "run") == 0751);

  spec.app.endpoint = config::EndpointKind::fd;
  auto listening = leases.listening(who(2, 1, 1), spec);
  REQUIRE(listening.has_value());
  CHECK_FALSE(listening->address.owner().has_value());
  CHECK(owner_of(folder / "run/apps/web/2") == 0);
  CHECK(mode_of(folder / "run/apps/web/2") == 0711);
  CHECK(owner_of(folder / "run/apps/web/2/1.sock") == 12345);
  leases.give_back(*address);
  leases.close_listening(kAll);
  CHECK(empty_of_apps(folder / "run"));
}

TEST_CASE("socket leases: after the folder was removed the next lease makes it again and the loss is known") {
  test::TempFolder folder;
  SocketLeases leases(folder.path());
  auto spec = spec_of(config::EndpointKind::socket);
  auto first = leases.lease(who(42, 1, 1), spec);
  REQUIRE(first.has_value());
  auto bound = bind_at(*first);
  CHECK(leases.in_place(*first));
  fs::remove_all(folder / "apps");
  CHECK_FALSE(leases.in_place(*first));
  auto second = leases.lease(who(42, 1, 2), spec);
  REQUIRE(second.has_value());
  auto bound_again = bind_at(*second);
  CHECK(leases.in_place(*second));
  base::UniqueFd client;
  CHECK(connect_to(*second, client) == 0);
  leases.give_back(*first);
  leases.give_back(*second);
  CHECK(empty_of_apps(folder.path()));
  CHECK(leases.in_place(base::Address::tcp_loopback(base::Port(1))));
}

TEST_CASE("socket leases: a listening socket whose file was removed is opened anew when it is asked for") {
  test::TempFolder folder;
  SocketLeases leases(folder.path());
  auto spec = spec_of(config::EndpointKind::fd);
  auto first = leases.listening(who(42, 1, 1), spec);
  REQUIRE(first.has_value());
  CHECK(leases.in_place(first->address));
  fs::remove(path_of(first->address));
  CHECK_FALSE(leases.in_place(first->address));
  base::UniqueFd client;
  CHECK(connect_to(first->address, client) == ENOENT);
  auto second = leases.listening(who(42, 1, 2), spec);
  REQUIRE(second.has_value());
  CHECK(leases.in_place(second->address));
  CHECK(connect_to(second->address, client) == 0);
  leases.close_listening(kAll);
  CHECK(empty_of_apps(folder.path()));
}
