#include <doctest/doctest.h>

#include <cstdlib>
#include <initializer_list>

#include "config/daemon_user.h"
#include "control/socket_file.h"

using namespace gracevisor;

TEST_CASE("default socket: gvctl looks for the daemon where the configuration puts it") {
  for (const char* runtime_dir : {"/run/user/1000", "/run/user/1000/", "relative", ""}) {
    CAPTURE(runtime_dir);
    REQUIRE(::setenv("XDG_RUNTIME_DIR", runtime_dir, 1) == 0);
    for (const uid_t uid : {0U, 1000U}) {
      CAPTURE(uid);
      config::DaemonUser user;
      user.uid = uid;
      user = config::usual_folders(user, "/home/a");
      CHECK(control::default_socket_path(uid, runtime_dir) == control::socket_file(user.runtime_dir));
    }
  }
  REQUIRE(::unsetenv("XDG_RUNTIME_DIR") == 0);
}
