// Records of clients' connections, as a hostile predecessor may send them. The first byte says how many
// descriptors of which kind go along, the rest is the record. Oracles: what is taken for a record is written
// the same way again; whatever comes, no descriptor stays open, and what follows it still arrives.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <source_location>
#include <string>
#include <string_view>

#include "succession/client_channel.h"
#include "succession/client_record.h"

namespace {

using namespace gracevisor;              // NOLINT(google-build-using-namespace): one program, one subject
using namespace gracevisor::succession;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kMostSent = 4;

void require(bool condition, std::source_location where = std::source_location::current()) {
  if (condition) return;
  (void)std::fprintf(stderr, "violated: line %u\n", static_cast<unsigned>(where.line()));
  std::abort();
}

// The lowest number that is free: equal before and after if nothing was left open.
int lowest_free() {
  const base::UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  require(static_cast<bool>(fd));
  return fd.get();
}

void fuzz_record(std::string_view bytes) {
  const auto record = read_client_record(bytes);
  if (!record) return;
  require(record->in_memfd == 0 || record->state.bytes.empty());
  ClientState state = record->state;
  if (record->in_memfd > 0) state.bytes.assign(record->in_memfd, 'x');
  require(state.bytes.size() <= ClientChannel::kMostUnserved);
  std::string again;
  const auto outside = write_client_record(state, again);
  require(outside.has_value());
  // A sender may put into a memfd what would fit.
  if (*outside == (record->in_memfd > 0)) require(again == bytes);
}

void fuzz_channel(unsigned kinds, std::string_view bytes) {
  const int before = lowest_free();
  {
    std::array<int, 2> ends{};
    require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const ClientChannel from{base::UniqueFd(ends[0])};
    const ClientChannel to{base::UniqueFd(ends[1])};
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const base::UniqueFd client(ends[0]);
    const base::UniqueFd connection(ends[1]);
    const base::UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    require(::ftruncate(file.get(), 1000) == 0);
    require(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0);
    std::array<int, kMostSent> fds{};
    std::size_t count = 0;
    for (unsigned left = kinds; left % 3 != 0 && count < kMostSent; left /= 3) {
      fds.at(count++) = left % 3 == 1 ? connection.get() : file.get();
    }
    std::string copy(bytes);
    iovec part{copy.data(), copy.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count > 0) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(count * sizeof(int));
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(count * sizeof(int));
      std::memcpy(CMSG_DATA(rights), fds.data(), count * sizeof(int));
    }
    require(::sendmsg(from.fd(), &message, MSG_NOSIGNAL) >= 0);
    const ClientState good{.listener = "*:80",
                           .client = base::Address::tcp_loopback(base::Port(1)),
                           .preface = false,
                           .served = true,
                           .bytes = "good"};
    require(from.give(connection.get(), good) == ClientChannel::Given::given);
    auto taken = to.take();
    require(taken.has_value());
    require(taken->family == AF_UNIX);
    if (taken->state.bytes != good.bytes || taken->state.listener != good.listener) {
      taken = to.take();
      require(taken.has_value() && taken->state.bytes == good.bytes);
    }
    require(!to.ended());
  }
  require(lowest_free() == before);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1 || size > 2 * kMostRecord) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  fuzz_record(bytes);
  fuzz_channel(data[0], bytes);
  return 0;
}
