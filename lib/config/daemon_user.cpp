#include "config/daemon_user.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/runtime_folder.h"

namespace gracevisor::config {
namespace {

// An absolute path from the environment; relative ones are ignored, as the XDG base directory rules ask.
std::filesystem::path folder_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value == '/' ? std::filesystem::path(value) : std::filesystem::path();
}

std::filesystem::path ordinary_state_dir(const std::filesystem::path& home) {
  if (auto folder = folder_from("XDG_STATE_HOME"); !folder.empty()) return folder / "gracevisor";
  return home / ".local/state/gracevisor";
}

constexpr std::size_t kEntryBytes = 16384;

}  // namespace

DaemonUser usual_folders(DaemonUser who, const std::filesystem::path& home) {
  const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
  who.runtime_dir = base::default_runtime_folder(who.uid, runtime_dir != nullptr ? runtime_dir : "");
  who.state_dir = who.root() ? std::filesystem::path("/var/lib/gracevisor") : ordinary_state_dir(home);
  return who;
}

DaemonUser root_user() {
  return usual_folders({0, 0, "root", "root", {}, {}}, "/root");
}

DaemonUser current_user() {
  DaemonUser me = root_user();
  me.uid = ::geteuid();
  me.gid = ::getegid();
  std::string buffer(kEntryBytes, '\0');
  passwd user{};
  passwd* found_user = nullptr;
  bool known =
      ::getpwuid_r(me.uid, &user, buffer.data(), buffer.size(), &found_user) == 0 && found_user != nullptr;
  me.user = known ? user.pw_name : "";
  auto home = folder_from("HOME");
  if (home.empty()) home = known && *user.pw_dir == '/' ? user.pw_dir : "/tmp";
  group group_entry{};
  group* found_group = nullptr;
  known = ::getgrgid_r(me.gid, &group_entry, buffer.data(), buffer.size(), &found_group) == 0 &&
          found_group != nullptr;
  me.group = known ? group_entry.gr_name : "";
  return usual_folders(std::move(me), home);
}

}  // namespace gracevisor::config
