// Whose word counts about where a path leads. A daemon that is root must not act on a path that somebody else
// can bend: who can write a folder can put a symbolic link, a hard link or a file of their own in the place
// of any entry. A decider: it judges what stat(2) says. Thread: values, any thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace gracevisor::base {

struct PathTrust {
  // Nothing is judged otherwise: a daemon without privileges has no rights that another user could borrow.
  bool judged = false;
  std::vector<uid_t> users;  // beside root: the daemon's, and the owner of its configuration
  std::vector<gid_t> groups;
  // For messages, where the user database may be asked; numbers alone otherwise.
  std::string (*user_name)(uid_t) = nullptr;
  std::string (*group_name)(gid_t) = nullptr;
};

// The user of an app, where it is neither root nor the daemon's own.
struct AppUser {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Who can write a folder or a file beside those that are trusted.
struct Writers {
  bool app = false;      // the app's user, or its primary group
  std::string stranger;  // "belongs to uid 1001", "can be written by everyone"; empty: no third user
};

// An access control list may let anybody write; its mask is shown as the group's bits.
enum class Acl : bool { none, present };

[[nodiscard]] Writers writers_of(const struct stat& inode, Acl acl, const PathTrust& trust,
                                 const std::optional<AppUser>& app);

// Who can replace the entry `entry` of `folder`: in a sticky folder (such as /tmp) none but the owners of the
// two, otherwise whoever can write the folder.
[[nodiscard]] Writers replacers_of(const struct stat& folder, Acl acl, const struct stat& entry,
                                   const PathTrust& trust, const std::optional<AppUser>& app);

}  // namespace gracevisor::base
