#include "base/accounts.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace gracevisor::base {
namespace {

constexpr std::size_t kLeast = 4096;
constexpr std::size_t kMost = 1U << 20;

// Calls a get..._r function with a buffer that grows until the record fits, then `use` with the record.
template <class Record, class Get, class Use>
void look_up(Get get, Use use) {
  std::string buffer(kLeast, '\0');
  for (;;) {
    Record record{};
    Record* found = nullptr;
    int r = get(&record, buffer.data(), buffer.size(), &found);
    if (r == ERANGE && buffer.size() < kMost) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    if (r == EINTR) continue;
    if (r == 0 && found != nullptr) use(record);
    return;
  }
}

template <class Use>
void with_user(uid_t uid, Use use) {
  look_up<passwd>([uid](auto... rest) { return ::getpwuid_r(uid, rest...); }, use);
}

template <class Use>
void with_group(gid_t gid, Use use) {
  look_up<group>([gid](auto... rest) { return ::getgrgid_r(gid, rest...); }, use);
}

}  // namespace

std::string user_name(uid_t uid) {
  std::string name;
  with_user(uid, [&](const passwd& record) { name = record.pw_name; });
  return name;
}

std::string group_name(gid_t gid) {
  std::string name;
  with_group(gid, [&](const group& record) { name = record.gr_name; });
  return name;
}

std::optional<gid_t> private_group(uid_t uid) {
  std::string name;
  gid_t gid = 0;
  with_user(uid, [&](const passwd& record) {
    name = record.pw_name;
    gid = record.pw_gid;
  });
  if (name.empty()) return std::nullopt;
  bool own = false;
  with_group(gid, [&](const group& record) {
    own = name == record.gr_name;
    for (char** member = record.gr_mem; own && *member != nullptr; ++member) own = name == *member;
  });
  return own ? std::optional(gid) : std::nullopt;
}

PathTrust daemon_trust(uid_t config_owner) {
  PathTrust trust;
  trust.judged = ::geteuid() == 0;
  trust.users = {::geteuid(), config_owner};
  // Not for root in a user namespace, where the owner of / has everything below it.
  struct stat top{};
  if (::stat("/", &top) == 0) trust.users.push_back(top.st_uid);
  if (auto group = private_group(config_owner)) trust.groups.push_back(*group);
  trust.user_name = &user_name;
  trust.group_name = &group_name;
  return trust;
}

}  // namespace gracevisor::base
