#include "config/identity.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace gracevisor::config {
namespace {

// An absolute path from the environment; relative ones are ignored, as the XDG base directory rules ask.
std::filesystem::path folder_from(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value == '/' ? std::filesystem::path(value) : std::filesystem::path();
}

std::filesystem::path ordinary_runtime_dir(uid_t uid) {
  if (auto folder = folder_from("XDG_RUNTIME_DIR"); !folder.empty()) return folder / "gracevisor";
  return "/tmp/gracevisor-" + std::to_string(uid);
}

std::filesystem::path ordinary_state_dir(const std::string& home) {
  if (auto folder = folder_from("XDG_STATE_HOME"); !folder.empty()) return folder / "gracevisor";
  auto folder = folder_from("HOME");
  if (folder.empty()) folder = home;
  return folder / ".local/state/gracevisor";
}

constexpr std::size_t kEntryBytes = 16384;

}  // namespace

Identity root_identity() {
  return {0, 0, "root", "root", "/run/gracevisor", "/var/lib/gracevisor"};
}

Identity current_identity() {
  Identity me = root_identity();
  me.uid = ::geteuid();
  me.gid = ::getegid();
  std::string buffer(kEntryBytes, '\0');
  std::string home = "/tmp";
  passwd user{};
  passwd* found_user = nullptr;
  bool known =
      ::getpwuid_r(me.uid, &user, buffer.data(), buffer.size(), &found_user) == 0 && found_user != nullptr;
  me.user = known ? user.pw_name : "";
  if (known && *user.pw_dir == '/') home = user.pw_dir;
  group group_entry{};
  group* found_group = nullptr;
  known = ::getgrgid_r(me.gid, &group_entry, buffer.data(), buffer.size(), &found_group) == 0 &&
          found_group != nullptr;
  me.group = known ? group_entry.gr_name : "";
  if (!me.root()) {
    me.runtime_dir = ordinary_runtime_dir(me.uid);
    me.state_dir = ordinary_state_dir(home);
  }
  return me;
}

}  // namespace gracevisor::config
