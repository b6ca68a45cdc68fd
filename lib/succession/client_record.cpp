#include "succession/client_record.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <type_traits>

namespace gracevisor::succession {
namespace {

constexpr std::uint32_t kMark = 0x31435647;  // "GVC1"
constexpr std::size_t kMostListener = 128;
constexpr std::uint8_t kPreface = 1;
constexpr std::uint8_t kServed = 2;
constexpr std::uint8_t kInMemfd = 4;

// Behind it: the listener, the client's address and, unless they are in a memfd, the bytes.
struct Header {
  std::uint32_t mark = kMark;
  std::uint32_t bytes = 0;
  std::uint16_t listener = 0;
  std::uint16_t client = 0;
  std::uint8_t flags = 0;
  std::uint8_t unused[3] = {};
};
static_assert(std::has_unique_object_representations_v<Header>);
static_assert(sizeof(Header) + kMostListener + sizeof(sockaddr_un) < kMostRecord);

bool fits_family(int family, std::size_t length) {
  switch (family) {
    case AF_INET: return length == sizeof(sockaddr_in);
    case AF_INET6: return length == sizeof(sockaddr_in6);
    case AF_UNIX: return length >= sizeof(sa_family_t) && length <= sizeof(sockaddr_un);
    default: return false;
  }
}

std::optional<base::Address> read_address(std::string_view bytes) {
  sockaddr_storage storage{};
  if (bytes.size() < sizeof storage.ss_family || bytes.size() > sizeof storage) return std::nullopt;
  std::memcpy(&storage, bytes.data(), bytes.size());
  if (!fits_family(storage.ss_family, bytes.size())) return std::nullopt;
  return base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage),
                                      static_cast<socklen_t>(bytes.size()));
}

std::string_view cut(std::string_view& from, std::size_t size) {
  const std::string_view first = from.substr(0, size);
  from.remove_prefix(size);
  return first;
}

}  // namespace

std::optional<bool> write_client_record(const ClientState& state, std::string& out) {
  const std::size_t address = state.client.length();
  if (state.listener.empty() || state.listener.size() > kMostListener ||
      state.bytes.size() > ClientChannel::kMostUnserved || !fits_family(state.client.family(), address)) {
    return std::nullopt;
  }
  const std::size_t fixed = sizeof(Header) + state.listener.size() + address;
  const bool in_memfd = fixed + state.bytes.size() > kMostRecord;
  Header header;
  header.bytes = static_cast<std::uint32_t>(state.bytes.size());
  header.listener = static_cast<std::uint16_t>(state.listener.size());
  header.client = static_cast<std::uint16_t>(address);
  header.flags = static_cast<std::uint8_t>((state.preface ? kPreface : 0) | (state.served ? kServed : 0) |
                                           (in_memfd ? kInMemfd : 0));
  out.assign(reinterpret_cast<const char*>(&header), sizeof header);
  out.append(state.listener);
  out.append(reinterpret_cast<const char*>(state.client.get()), address);
  if (!in_memfd) out.append(state.bytes);
  return in_memfd;
}

std::optional<ClientRecord> read_client_record(std::string_view record) {
  Header header;
  if (record.size() < sizeof header || record.size() > kMostRecord) return std::nullopt;
  std::memcpy(&header, record.data(), sizeof header);
  record.remove_prefix(sizeof header);
  const bool in_memfd = (header.flags & kInMemfd) != 0;
  const std::size_t inside = in_memfd ? 0 : header.bytes;
  if (header.mark != kMark || header.listener == 0 || header.listener > kMostListener ||
      (header.flags & ~(kPreface | kServed | kInMemfd)) != 0 ||
      (header.unused[0] | header.unused[1] | header.unused[2]) != 0 ||
      header.bytes > ClientChannel::kMostUnserved || (in_memfd && header.bytes == 0) ||
      record.size() != header.listener + header.client + inside) {
    return std::nullopt;
  }
  ClientRecord read;
  read.state.listener = cut(record, header.listener);
  auto client = read_address(cut(record, header.client));
  if (!client) return std::nullopt;
  read.state.client = *client;
  read.state.preface = (header.flags & kPreface) != 0;
  read.state.served = (header.flags & kServed) != 0;
  read.state.bytes = record;
  if (in_memfd) read.in_memfd = header.bytes;
  return read;
}

}  // namespace gracevisor::succession
