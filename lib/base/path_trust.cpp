#include "base/path_trust.h"

#include <algorithm>

namespace gracevisor::base {
namespace {

std::string numbered(const char* kind, unsigned id, const std::string& name) {
  std::string number = kind + std::string(" ") + std::to_string(id);
  return name.empty() ? number : name + " (" + number + ")";
}

void judge_owner(uid_t owner, const PathTrust& trust, const std::optional<AppUser>& app, Writers& out) {
  if (app && owner == app->uid) {
    out.app = true;
  } else if (owner != 0 && std::find(trust.users.begin(), trust.users.end(), owner) == trust.users.end()) {
    out.stranger =
        "belongs to " + numbered("uid", owner, trust.user_name != nullptr ? trust.user_name(owner) : "");
  }
}

void judge_group(gid_t group, Acl acl, const PathTrust& trust, const std::optional<AppUser>& app,
                 Writers& out) {
  if (app && group == app->gid) {
    out.app = true;
  } else if (group != 0 && std::find(trust.groups.begin(), trust.groups.end(), group) == trust.groups.end()) {
    out.stranger = "can be written by the group " +
                   numbered("gid", group, trust.group_name != nullptr ? trust.group_name(group) : "");
  }
  if (acl == Acl::present && out.stranger.empty()) {
    out.stranger = "can be written by others by its access control list";
  }
}

}  // namespace

Writers writers_of(const struct stat& inode, Acl acl, const PathTrust& trust,
                   const std::optional<AppUser>& app) {
  Writers out;
  if (!trust.judged) return out;
  judge_owner(inode.st_uid, trust, app, out);
  if ((inode.st_mode & S_IWGRP) != 0 && out.stranger.empty()) {
    judge_group(inode.st_gid, acl, trust, app, out);
  }
  if ((inode.st_mode & S_IWOTH) != 0) out.stranger = "can be written by everyone";
  return out;
}

Writers replacers_of(const struct stat& folder, Acl acl, const struct stat& entry, const PathTrust& trust,
                     const std::optional<AppUser>& app) {
  if (!trust.judged || (folder.st_mode & S_ISVTX) == 0) return writers_of(folder, acl, trust, app);
  Writers out;
  judge_owner(folder.st_uid, trust, app, out);
  if (out.stranger.empty()) judge_owner(entry.st_uid, trust, app, out);
  return out;
}

}  // namespace gracevisor::base
