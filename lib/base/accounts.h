// The parts of the user database that path trust needs. Thread: any that may block; look-ups read files or
// ask a name service.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/path_trust.h"

namespace gracevisor::base {

// Empty if the database has no name for the id.
[[nodiscard]] std::string user_name(uid_t uid);
[[nodiscard]] std::string group_name(gid_t gid);

// The user's private group: the primary group, named after the user, whose entry lists no other member. Many
// systems give each user such a group, and make files writable by it.
[[nodiscard]] std::optional<gid_t> private_group(uid_t uid);

// The users that a daemon running as this process trusts: root, its own user, the owner of /, and
// `config_owner`, who can make it run anything anyway; and the private group of `config_owner`. Paths are
// judged only if this process is root.
[[nodiscard]] PathTrust daemon_trust(uid_t config_owner);

}  // namespace gracevisor::base
