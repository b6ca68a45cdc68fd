#include "succession/channel.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/sealed_file.h"
#include "base/shortage.h"
#include "keeper/wire.h"

namespace gracevisor::succession {
namespace {

// What a record begins with.
constexpr char kWhole = 'w';   // the message follows
constexpr char kInFile = 'f';  // it is in the first descriptor's file
constexpr const char* kMessageName = "message";
constexpr std::size_t kMostInRecord = keeper::kMostBytes - 1;

}  // namespace

bool may_pass(int code) noexcept {
  return code == EAGAIN || code == ETOOMANYREFS || base::is_shortage(code);
}

base::Expected<void> send(int socket, const Message& message) {
  const std::string bytes = to_bytes(message);
  std::string record(1, kWhole);
  base::UniqueFd file;
  int descriptors[2];
  std::size_t count = 0;
  if (bytes.size() <= kMostInRecord) {
    record += bytes;
  } else {
    auto made = base::seal(bytes, kMessageName, Channel::kMostBytes);
    if (!made) return std::unexpected(made.error());
    file = std::move(*made);
    record[0] = kInFile;
    descriptors[count++] = file.get();
  }
  if (const auto* clients = std::get_if<Clients>(&message)) descriptors[count++] = clients->socket.get();
  const int error = keeper::send_bytes(socket, record.data(), record.size(), descriptors, count);
  if (error != 0) return base::fail_errno("cannot tell the other daemon", error);
  return {};
}

std::optional<Message> Channel::next() {
  while (!ended_) {
    keeper::Packet packet;
    switch (packet.receive(socket_.get())) {
      case keeper::Packet::Got::nothing: return std::nullopt;
      case keeper::Packet::Got::end: ended_ = true; return std::nullopt;
      case keeper::Packet::Got::record: break;
    }
    if (packet.truncated() || packet.size() == 0 || packet.size() > keeper::kMostBytes) continue;
    const char* const text = static_cast<const char*>(packet.bytes());
    base::Expected<std::string> bytes = base::fail("no message");
    std::size_t next = 0;
    if (text[0] == kWhole) {
      bytes = std::string(text + 1, packet.size() - 1);
    } else if (text[0] == kInFile && packet.descriptors() > 0) {
      bytes = base::read_sealed(packet.descriptor(next++), kMessageName, kMostBytes);
    }
    if (!bytes) continue;
    base::UniqueFd socket;
    if (next < packet.descriptors()) socket = base::UniqueFd(packet.take(next));
    if (auto message = from_bytes(*bytes, std::move(socket))) return message;
  }
  return std::nullopt;
}

}  // namespace gracevisor::succession
