#include "activation.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace gracevisor::demo {
namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

}  // namespace

base::Expected<ListeningSocket> passed_socket() {
  if (variable("LISTEN_PID") != std::to_string(::getpid())) {
    return base::fail("LISTEN_PID is not this process: no socket was passed");
  }
  if (variable("LISTEN_FDS") != "1") return base::fail("LISTEN_FDS is not 1");
  ListeningSocket result{base::UniqueFd(kFirstPassed), {}};
  int listens = 0;
  socklen_t length = sizeof listens;
  if (::getsockopt(result.fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || listens == 0) {
    return base::fail("descriptor 3 does not listen");
  }
  if (::fcntl(result.fd.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return base::fail_errno("cannot keep descriptor 3 to this process", errno);
  }
  if (auto set = base::set_nonblocking(result.fd.get()); !set) return std::unexpected(set.error());
  sockaddr_storage bound{};
  length = sizeof bound;
  if (::getsockname(result.fd.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return base::fail_errno("cannot read the address of descriptor 3", errno);
  }
  result.address = base::Address::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), length);
  return result;
}

}  // namespace gracevisor::demo
