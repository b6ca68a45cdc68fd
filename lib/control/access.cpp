#include "control/access.h"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace gracevisor::control {
namespace {

constexpr std::size_t kMostGroups = 65536;  // the kernel's NGROUPS_MAX

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> space(1024);
  while (space.size() <= (1U << 20)) {
    group entry{};
    group* found = nullptr;
    int code = ::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &found);
    if (code == 0) return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
    if (code != ERANGE && code != EINTR) return std::nullopt;
    if (code == ERANGE) space.resize(space.size() * 2);
  }
  return std::nullopt;
}

std::vector<gid_t> own_groups() {
  std::vector<gid_t> groups(kMostGroups);
  int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  groups.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  groups.push_back(::getegid());
  return groups;
}

}  // namespace

Role role_of(const SocketPeer& peer, const AccessPolicy& policy) {
  if (peer.uid == 0 || peer.uid == policy.owner) return Role::admin;
  if (!policy.operators) return Role::none;
  bool member = peer.gid == *policy.operators ||
                std::find(peer.groups.begin(), peer.groups.end(), *policy.operators) != peer.groups.end();
  return member ? Role::operator_ : Role::none;
}

base::Expected<SocketPeer> peer_of(int socket) {
  ucred cred{};
  socklen_t length = sizeof cred;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &length) != 0) {
    return base::fail_errno("cannot read the credentials of a control connection", errno);
  }
  SocketPeer peer{cred.uid, cred.gid, cred.pid, std::vector<gid_t>(64)};
  for (;;) {
    length = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &length) == 0) break;
    // Too little space: `length` says how much is needed.
    if (errno != ERANGE || length > kMostGroups * sizeof(gid_t)) {
      return base::fail_errno("cannot read the groups of a control connection", errno);
    }
    peer.groups.resize(length / sizeof(gid_t));
  }
  peer.groups.resize(length / sizeof(gid_t));
  return peer;
}

AccessPolicy access_policy(const std::string& operator_group) {
  AccessPolicy policy{::geteuid(), std::nullopt};
  auto gid = operator_group.empty() ? std::nullopt : find_group(operator_group);
  if (!gid) return policy;
  auto mine = own_groups();
  if (policy.owner == 0 || std::find(mine.begin(), mine.end(), *gid) != mine.end()) policy.operators = gid;
  return policy;
}

}  // namespace gracevisor::control
