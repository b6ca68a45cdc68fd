// Whether what listens on a socket may be taken for the daemon: in a folder such as /tmp anybody can put one.
// Thread: any; looks at the folders on the way.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace gracevisor::control {

// `listener` is the user at the other end, `self` this one. Root and oneself are believed wherever they
// listen; another user only where nobody but root, oneself and that user could have put the socket: every
// folder on the way is one of theirs, and nobody else can write to it.
[[nodiscard]] bool may_be_believed(uid_t listener, uid_t self, const std::filesystem::path& socket);

}  // namespace gracevisor::control
