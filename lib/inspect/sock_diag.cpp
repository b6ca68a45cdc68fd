#include "inspect/sock_diag.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace gracevisor::inspect {
namespace {

using base::Expected;

enum class Progress { more, done };

// One datagram of the answer: any number of messages.
Expected<Progress> read_messages(std::span<const char> datagram, const SockDiag::Take& take) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, datagram.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > datagram.size()) break;
    auto payload = datagram.subspan(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    if (header.nlmsg_type == NLMSG_DONE) return Progress::done;
    if (header.nlmsg_type == NLMSG_ERROR) {
      int code = -EPROTO;
      if (payload.size() >= sizeof code) std::memcpy(&code, payload.data(), sizeof code);
      return base::fail_errno("sock_diag refused", -code);
    }
    if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY && !take(payload)) return Progress::done;
    std::size_t step = NLMSG_ALIGN(static_cast<std::size_t>(header.nlmsg_len));
    datagram = datagram.subspan(std::min(step, datagram.size()));
  }
  return Progress::more;
}

}  // namespace

Expected<SockDiag> SockDiag::open() {
  base::UniqueFd fd(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd) return base::fail_errno("cannot open sock_diag", errno);
  // The kernel answers at once; if it does not, the supervisor must not hang.
  timeval limit{.tv_sec = 1, .tv_usec = 0};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
    return base::fail_errno("cannot prepare sock_diag", errno);
  }
  return SockDiag(std::move(fd));
}

Expected<void> SockDiag::dump(std::span<const std::byte> request, const Take& take) const {
  nlmsghdr header{};
  std::vector<std::byte> message(sizeof header + request.size());
  header.nlmsg_len = static_cast<std::uint32_t>(message.size());
  header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  std::memcpy(message.data(), &header, sizeof header);
  std::ranges::copy(request, message.begin() + sizeof header);
  if (::send(fd_.get(), message.data(), message.size(), 0) < 0) {
    return base::fail_errno("cannot ask sock_diag", errno);
  }
  // Aligned for nlmsghdr; as large as the kernel's largest dump datagram.
  alignas(nlmsghdr) std::array<char, 32768> buffer;
  for (;;) {
    ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno("cannot read from sock_diag", errno);
    if (n == 0) return base::fail("sock_diag ended early");
    auto progress = read_messages({buffer.data(), static_cast<std::size_t>(n)}, take);
    if (!progress) return std::unexpected(progress.error());
    if (*progress == Progress::done) return {};
  }
}

std::span<const char> find_attribute(std::span<const char> attributes, unsigned type) {
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, attributes.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > attributes.size()) return {};
    if (attribute.rta_type == type) {
      return attributes.subspan(sizeof attribute, attribute.rta_len - sizeof attribute);
    }
    std::size_t step = RTA_ALIGN(static_cast<std::size_t>(attribute.rta_len));
    attributes = attributes.subspan(std::min(step, attributes.size()));
  }
  return {};
}

}  // namespace gracevisor::inspect
