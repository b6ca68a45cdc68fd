#include "spawn/mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace gracevisor::spawn {
namespace {

using base::UniqueFd;

// Nothing that is mounted here reaches the others.
Step leave_namespace(SpawnStage stage) {
  if (::unshare(CLONE_NEWNS) != 0) return failed(stage);
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0 ? failed(stage) : std::nullopt;
}

Step make_read_only(int mount, const char* path) {
  constexpr unsigned kAll = AT_RECURSIVE | AT_EMPTY_PATH;
  mount_attr wanted{};
  wanted.attr_set = MOUNT_ATTR_RDONLY;
  return ::mount_setattr(mount, path, kAll, &wanted, sizeof wanted) != 0 ? failed(SpawnStage::read_only)
                                                                         : std::nullopt;
}

// Mounts the path over itself, read-only with all that is mounted below. The path is walked once, and by then
// the mount is read-only: whoever may replace a part of it gets another path protected, and nothing else.
Step protect(const std::string& path) {
  const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place) return failed(SpawnStage::read_only);
  // What is mounted at the root is not seen from there.
  if (path == "/") return make_read_only(place.get(), "");
  const UniqueFd copy(
      ::open_tree(place.get(), "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!copy) return failed(SpawnStage::read_only);
  if (auto step = make_read_only(copy.get(), "")) return step;
  constexpr unsigned kByDescriptors = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return ::move_mount(copy.get(), "", place.get(), "", kByDescriptors) != 0 ? failed(SpawnStage::read_only)
                                                                            : std::nullopt;
}

Step cover(const char* folder) {
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV | MS_STRICTATIME;
  return ::mount("tmpfs", folder, "tmpfs", kFlags, "mode=1777") != 0 ? failed(SpawnStage::private_tmp)
                                                                     : std::nullopt;
}

}  // namespace

Step set_mounts(const SpawnPlan& plan) {
  if (plan.read_only.empty() && !plan.private_tmp) return std::nullopt;
  if (auto step = leave_namespace(plan.private_tmp ? SpawnStage::private_tmp : SpawnStage::read_only)) {
    return step;
  }
  for (const std::string& path : plan.read_only) {
    if (auto step = protect(path)) return step;
  }
  if (!plan.private_tmp) return std::nullopt;
  if (auto step = cover("/tmp")) return step;
  // Small systems have no other one.
  return ::access("/var/tmp", F_OK) != 0 && errno == ENOENT ? std::nullopt : cover("/var/tmp");
}

}  // namespace gracevisor::spawn
