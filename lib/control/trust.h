// Whether the listener on a socket may be taken for the daemon: in a folder such as /tmp anyone can create
// a socket. Thread: any; looks at the folders on the way to the socket.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace gracevisor::control {

// `listener` is the user at the other end, `self` this one. Root and `self` are believed wherever they
// listen; another user only if no one except root, `self` and that user could have put the socket there:
// every folder on the way to it belongs to one of these three, and no one else can write to the folder.
[[nodiscard]] bool may_be_believed(uid_t listener, uid_t self, const std::filesystem::path& socket);

}  // namespace gracevisor::control
