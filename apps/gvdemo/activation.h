// Socket activation as in sd_listen_fds(3): the parent process passes a listening socket as descriptor 3 and
// says so in the environment. Thread: before or on the loop's.
#pragma once

#include "base/address.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::demo {

struct ListeningSocket {
  base::UniqueFd fd;
  base::Address address;
};

// The socket that this process was started with, now made non-blocking and close-on-exec. An error if
// LISTEN_PID names another process, or none was passed. Call it only once.
[[nodiscard]] base::Expected<ListeningSocket> passed_socket();

}  // namespace gracevisor::demo
