#include "control/control_socket.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "support/temp_folder.h"
#include "support/unix_client.h"

using namespace gracevisor;
using namespace gracevisor::control;

namespace {

struct Stat {
  mode_t mode = 0;
  gid_t group = 0;
  ino_t inode = 0;
};
Stat stat_of(const std::filesystem::path& path) {
  struct stat st{};
  if (::lstat(path.c_str(), &st) != 0) return {};
  return {st.st_mode, st.st_gid, st.st_ino};
}

const AccessPolicy kMine{::geteuid(), {}};

// What a daemon that was killed leaves behind.
void leave_stale_socket(const std::filesystem::path& path) {
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = base::Address::unix_path(path.string());
  REQUIRE(address);
  REQUIRE(::bind(fd.get(), address->get(), address->length()) == 0);
}

}  // namespace

TEST_CASE("control socket: its file is a socket for its owner, or for the operators too") {
  test::TempFolder folder;
  auto own = ControlSocket::open(folder / "own.sock", kMine);
  REQUIRE(own);
  CHECK(stat_of(folder / "own.sock").mode == (S_IFSOCK | 0600));
  auto shared = ControlSocket::open(folder / "shared.sock", AccessPolicy{::geteuid(), ::getegid()});
  REQUIRE(shared);
  CHECK(stat_of(folder / "shared.sock").mode == (S_IFSOCK | 0660));
  CHECK(stat_of(folder / "shared.sock").group == ::getegid());
  CHECK_FALSE(std::filesystem::exists(folder / ".new.sock"));
  CHECK(test::UnixClient((folder / "own.sock").string()).connected());
}

TEST_CASE("control socket: a stale socket is taken over, at the path and at the temporary name") {
  test::TempFolder folder;
  leave_stale_socket(folder / "gv.sock");
  leave_stale_socket(folder / ".new.sock");
  ino_t stale = stat_of(folder / "gv.sock").inode;
  auto socket = ControlSocket::open(folder / "gv.sock", kMine);
  REQUIRE(socket);
  CHECK(stat_of(folder / "gv.sock").inode != stale);
  CHECK(test::UnixClient((folder / "gv.sock").string()).connected());
}

TEST_CASE("control socket: one that answers is left alone") {
  test::TempFolder folder;
  auto first = ControlSocket::open(folder / "gv.sock", kMine);
  REQUIRE(first);
  ino_t inode = stat_of(folder / "gv.sock").inode;
  auto second = ControlSocket::open(folder / "gv.sock", kMine);
  REQUIRE_FALSE(second);
  CHECK(second.error().what == "another process answers on " + (folder / "gv.sock").string());
  CHECK(stat_of(folder / "gv.sock").inode == inode);
}

TEST_CASE("control socket: a file that is no socket is an error and stays") {
  test::TempFolder folder;
  test::put_content(folder / "gv.sock", "precious");
  CHECK_FALSE(ControlSocket::open(folder / "gv.sock", kMine));
  CHECK(test::content_of(folder / "gv.sock") == "precious");
}

TEST_CASE("control socket: the file goes with its owner, but never somebody else's") {
  test::TempFolder folder;
  {
    auto socket = ControlSocket::open(folder / "gv.sock", kMine);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "gv.sock"));
  {
    auto socket = ControlSocket::open(folder / "gv.sock", kMine);
    REQUIRE(socket);
    std::filesystem::remove(folder / "gv.sock");
    leave_stale_socket(folder / "gv.sock");
  }
  CHECK(std::filesystem::exists(folder / "gv.sock"));
}

TEST_CASE("control socket: a path that fits no address and a folder that is not there are errors") {
  test::TempFolder folder;
  CHECK_FALSE(ControlSocket::open(folder / std::string(120, 'x'), kMine));
  CHECK_FALSE(ControlSocket::open(folder / "missing/gv.sock", kMine));
}
