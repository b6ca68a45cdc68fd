// Who is trusted to say where a path leads. A daemon that is root must not act on a path that someone else
// can redirect: anyone who can write a folder can replace any entry with a symbolic link, a hard link or a
// file of their own. A decider: it judges what stat(2) says. Thread: values, any thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace gracevisor::base {

struct PathTrust {
  // If false, nothing is judged: a daemon without privileges has no rights that another user could borrow.
  bool judged = false;
  std::vector<uid_t> users;  // besides root: the daemon's, and the owners of its configuration and of /
  std::vector<gid_t> groups;
  // Names for messages; null if the user database must not be asked: messages then hold only numbers.
  std::string (*user_name)(uid_t) = nullptr;
  std::string (*group_name)(gid_t) = nullptr;
};

// The user of an app, if it is neither root nor the daemon's own.
struct AppUser {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Who can write a folder or a file, other than the trusted users.
struct Writers {
  bool app = false;      // the app's user, or its primary group
  std::string stranger;  // "belongs to uid 1001", "can be written by everyone"; empty: no third party
};

// An access control list may let anyone write; its mask appears as the group bits.
enum class Acl : bool { none, present };

[[nodiscard]] Writers writers_of(const struct stat& inode, Acl acl, const PathTrust& trust,
                                 const std::optional<AppUser>& app);

// Who can replace the entry `entry` of `folder`: in a sticky folder (such as /tmp) only the owner of either,
// otherwise anyone who can write the folder.
[[nodiscard]] Writers replacers_of(const struct stat& folder, Acl acl, const struct stat& entry,
                                   const PathTrust& trust, const std::optional<AppUser>& app);

}  // namespace gracevisor::base
