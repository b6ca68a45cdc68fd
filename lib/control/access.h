// Who may use the control socket: root and the daemon's user may do everything, members of the operator group
// everything except commands and environments, others nothing. The kernel says who is at the other end
// (SO_PEERCRED, SO_PEERGROUPS). Thread: values; access_policy() blocks on the name service, so use it only
// at start-up.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace gracevisor::control {

enum class Role { none, operator_, admin };  // each may do what those before it may

// The other end of a connection, as of the moment it connected.
struct SocketPeer {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
  std::vector<gid_t> groups;  // supplementary
};

struct AccessPolicy {
  uid_t owner = 0;                 // the daemon's user
  std::optional<gid_t> operators;  // set: the socket has mode 0660 and this group; unset: 0600

  [[nodiscard]] mode_t socket_mode() const noexcept { return operators ? 0660 : 0600; }
  [[nodiscard]] mode_t folder_mode() const noexcept { return operators ? 0750 : 0700; }
};

[[nodiscard]] Role role_of(const SocketPeer& peer, const AccessPolicy& policy);
[[nodiscard]] base::Expected<SocketPeer> peer_of(int socket);

// This process's policy: `operator_group` counts if it exists and this process can give files to it (as root
// or as a member).
[[nodiscard]] AccessPolicy access_policy(const std::string& operator_group);

}  // namespace gracevisor::control
