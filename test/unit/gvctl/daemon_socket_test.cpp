#include "gvctl/daemon_socket.h"

#include <doctest/doctest.h>

#include "control/socket_file.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::gvctl;
using test::TempFolder;

namespace {

// A row of /proc/net/unix.
std::string row(const std::string& flags, const std::string& path) {
  return "00000000a1b2c3d4: 00000002 00000000 " + flags + " 0001 01 12345" +
         (path.empty() ? "" : " " + path) + "\n";
}

constexpr const char* kHeading = "Num       RefCount Protocol Flags    Type St Inode Path\n";
constexpr const char* kListening = "00010000";

}  // namespace

TEST_CASE("daemon socket: the command line's, or the configuration's, or the default") {
  TempFolder folder;
  CommandLine line;
  line.socket = "/x.sock";
  CHECK(find_socket(line, "").value() == "/x.sock");
  line.socket.clear();
  CHECK(find_socket(line, "/run/user/7").has_value());

  const auto file = folder.write("gracevisor.toml", "[daemon]\nruntime_dir = \"/run/other\"\n");
  line.config = file.string();
  CHECK(find_socket(line, "").value() == "/run/other/gracevisor.sock");
  // The daemon that runs may have to be asked while the files are wrong.
  folder.write("gracevisor.toml",
               "[daemon]\nno_such_key = 1\nruntime_dir = \"/run/third\"\n[app.web]\nx = 1\n");
  CHECK(find_socket(line, "").value() == "/run/third/gracevisor.sock");
  for (const char* text : {"[daemon]\nruntime_dir = 7\n", "[daemon]\nruntime_dir = \n"}) {
    folder.write("gracevisor.toml", text);
    auto wrong = find_socket(line, "");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().what.find(file.string() + ":2:") != std::string::npos);
  }
  line.config = (folder / "none.toml").string();
  CHECK_FALSE(find_socket(line, ""));
}

TEST_CASE("daemon socket: the daemons that listen are found in the kernel's table") {
  TempFolder folder;
  std::string table = kHeading;
  table += row("00000000", "/run/a/control");               // no listener
  table += row(kListening, "/run/dbus/system_bus_socket");  // another program
  table += row(kListening, "");                             // unnamed
  table += row(kListening, "@gracevisor");                  // abstract
  table += "nonsense\n\n";
  const auto none = folder.write("none", table);
  CHECK(listening_daemons(none.string()).empty());
  for (const char* where : {"/run/gracevisor", "/srv/with space", "/run/gracevisor"}) {
    table += row(kListening, std::string(where) + "/" + std::string(control::kBoundAs));
  }
  const auto two = folder.write("two", table);
  CHECK(listening_daemons(two.string()) ==
        std::vector<std::string>{"/run/gracevisor/gracevisor.sock", "/srv/with space/gracevisor.sock"});
  for (int i = 0; i < 20; ++i)
    table += row(kListening, "/run/" + std::to_string(i) + "/" + std::string(control::kBoundAs));
  const auto many = folder.write("many", table);
  CHECK(listening_daemons(many.string()).size() == 5);
  CHECK(listening_daemons((folder / "missing").string()).empty());
}
