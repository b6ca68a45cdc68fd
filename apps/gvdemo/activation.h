// Socket activation as sd_listen_fds(3) describes it: whoever started the process passes a listening socket
// as descriptor 3 and says so in the environment. Thread: before or on the loop's.
#pragma once

#include "base/address.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::demo {

struct ListeningSocket {
  base::UniqueFd fd;
  base::Address address;
};

// The socket that this process was started with, from now on non-blocking and close-on-exec. An error when
// LISTEN_PID means another process, or none was passed. To be called once.
[[nodiscard]] base::Expected<ListeningSocket> passed_socket();

}  // namespace gracevisor::demo
