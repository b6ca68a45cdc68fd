// The parts of the user database that path trust needs. Thread: any that may block; look-ups read files or
// ask a name service.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/path_trust.h"

namespace gracevisor::base {

// Empty if the database has none.
[[nodiscard]] std::string user_name(uid_t uid);
[[nodiscard]] std::string group_name(gid_t gid);

// The user's private group: the primary group, named after the user, with no other member. Many systems give
// each user one, and make files writable by that group.
[[nodiscard]] std::optional<gid_t> private_group(uid_t uid);

// The users that a daemon running as this process trusts: root, itself, and `config_owner`, who can make it
// run anything anyway. Paths are judged only if this process is root.
[[nodiscard]] PathTrust daemon_trust(uid_t config_owner);

}  // namespace gracevisor::base
