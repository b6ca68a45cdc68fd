// The user database, as far as the trust in paths needs it. Thread: any that may block: the look-ups read
// files or ask a name service.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/path_trust.h"

namespace gracevisor::base {

// Empty where the database has none.
[[nodiscard]] std::string user_name(uid_t uid);
[[nodiscard]] std::string group_name(gid_t gid);

// The group that is this user's alone: its primary one, named as the user, with no further member. Many
// systems give each user one, and files that the group may write.
[[nodiscard]] std::optional<gid_t> private_group(uid_t uid);

// Whom a daemon that runs as this process trusts: root, itself, and `config_owner`, who can have it run
// anything as it is. Judged only where this process is root.
[[nodiscard]] PathTrust daemon_trust(uid_t config_owner);

}  // namespace gracevisor::base
