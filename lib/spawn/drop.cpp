#include "spawn/drop.h"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "spawn/capabilities.h"

namespace gracevisor::spawn {
namespace {

Step set_groups(const Credentials& who) {
  // The kernel's current list; if it is already right, no privilege is needed.
  int count = ::getgroups(0, nullptr);
  if (count < 0) return failed(SpawnStage::groups);
  std::vector<gid_t> now(static_cast<std::size_t>(count));
  if (::getgroups(count, now.data()) != count) return failed(SpawnStage::groups);
  auto wanted = who.groups;
  std::sort(now.begin(), now.end());
  std::sort(wanted.begin(), wanted.end());
  if (now == wanted) return std::nullopt;
  return ::setgroups(who.groups.size(), who.groups.data()) != 0 ? failed(SpawnStage::groups) : std::nullopt;
}

Step set_gid(gid_t gid) {
  if (::setresgid(gid, gid, gid) != 0) return failed(SpawnStage::gid);
  gid_t real = 0;
  gid_t effective = 0;
  gid_t saved = 0;
  if (::getresgid(&real, &effective, &saved) != 0) return failed(SpawnStage::gid);
  return real != gid || effective != gid || saved != gid ? failed(SpawnStage::gid, EPERM) : std::nullopt;
}

Step set_uid(uid_t uid) {
  if (::setresuid(uid, uid, uid) != 0) return failed(SpawnStage::uid);
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  if (::getresuid(&real, &effective, &saved) != 0) return failed(SpawnStage::uid);
  if (real != uid || effective != uid || saved != uid) return failed(SpawnStage::uid, EPERM);
  // There must be no way back.
  if (uid != 0 && ::setuid(0) == 0) return failed(SpawnStage::uid, EPERM);
  return std::nullopt;
}

}  // namespace

Step drop_to(const Credentials& who, std::uint64_t capabilities) {
  if (auto step = set_groups(who)) return step;
  if (auto step = set_gid(who.gid)) return step;
  if (capabilities == 0) return set_uid(who.uid);
  if (auto step = bound_capabilities(capabilities)) return step;
  if (auto step = set_uid(who.uid)) return step;
  return raise_capabilities(capabilities);
}

}  // namespace gracevisor::spawn
