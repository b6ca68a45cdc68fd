#include "succession/client_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "base/sealed_file.h"
#include "keeper/wire.h"
#include "succession/channel.h"
#include "succession/client_record.h"

namespace gracevisor::succession {
namespace {

// After so many in a row that are no records, take() says that none has come.
constexpr int kMostSkipped = 16;
constexpr const char* kUnservedName = "unserved";
static_assert(kMostRecord <= keeper::kMostBytes);

std::optional<int> option_of(int socket, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(socket, SOL_SOCKET, option, &value, &length) != 0) return std::nullopt;
  return value;
}

// The family of a connection; unset: it is none.
std::optional<int> family_of_connection(int socket) {
  if (option_of(socket, SO_TYPE) != SOCK_STREAM || option_of(socket, SO_ACCEPTCONN) != 0) return std::nullopt;
  const auto family = option_of(socket, SO_DOMAIN);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) return std::nullopt;
  return family;
}

bool hung_up(int socket) {
  pollfd look{socket, POLLRDHUP, 0};
  return ::poll(&look, 1, 0) > 0;
}

}  // namespace

ClientChannel::Given ClientChannel::give(int socket, const ClientState& state) const {
  std::string record;
  const auto in_memfd = write_client_record(state, record);
  if (!in_memfd) return Given::never;
  base::UniqueFd file;
  if (*in_memfd) {
    auto sealed = base::seal(state.bytes, kUnservedName, kMostUnserved);
    if (!sealed) return Given::later;  // descriptors or memory are lacking, or the machine has no memfd
    file = std::move(*sealed);
  }
  const int fds[] = {socket, file.get()};
  const int error = keeper::send_bytes(socket_.get(), record.data(), record.size(), fds, file ? 2 : 1);
  if (error == 0) return Given::given;
  return may_pass(error) ? Given::later : Given::never;
}

std::expected<ClientConnection, ClientChannel::None> ClientChannel::take() const {
  for (int skipped = 0; skipped < kMostSkipped; ++skipped) {
    keeper::Packet packet;
    if (packet.receive(socket_.get()) != keeper::Packet::Got::record) break;
    if (packet.size() > kMostRecord) continue;
    auto record = read_client_record({static_cast<const char*>(packet.bytes()), packet.size()});
    if (!record) continue;
    const std::size_t expected = record->in_memfd > 0 ? 2 : 1;
    if (packet.truncated() && packet.descriptors() < expected) return std::unexpected(None::room);
    if (packet.truncated() || packet.descriptors() != expected) continue;
    if (record->in_memfd > 0) {
      auto bytes = base::read_sealed(packet.descriptor(1), kUnservedName, kMostUnserved);
      if (!bytes || bytes->size() != record->in_memfd) continue;
      record->state.bytes = std::move(*bytes);
    }
    base::UniqueFd socket(packet.take(0));
    const auto family = family_of_connection(socket.get());
    if (!family || !base::set_nonblocking(socket.get())) continue;
    return ClientConnection{std::move(socket), *family, std::move(record->state)};
  }
  return std::unexpected(None::now);
}

bool ClientChannel::ended() const {
  char byte = 0;
  ssize_t n = 0;
  do {
    n = ::recv(socket_.get(), &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  if (n < 0) return errno != EAGAIN;
  // An empty record looks like the end.
  return n == 0 && hung_up(socket_.get());
}

}  // namespace gracevisor::succession
