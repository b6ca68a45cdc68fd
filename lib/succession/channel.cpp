#include "succession/channel.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/shortage.h"
#include "keeper/wire.h"

namespace gracevisor::succession {
namespace {

// What a record begins with.
constexpr char kWhole = 'w';   // the message follows
constexpr char kInFile = 'f';  // it is in the first descriptor's file
constexpr std::size_t kMostInRecord = keeper::kMostBytes - 1;

base::Expected<base::UniqueFd> file_with(const std::string& bytes) {
  base::UniqueFd file(::memfd_create("gracevisor-message", MFD_CLOEXEC));
  if (!file) return base::fail_errno("cannot hold a message", errno);
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t more = ::write(file.get(), bytes.data() + written, bytes.size() - written);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return base::fail_errno("cannot hold a message", errno);
    written += static_cast<std::size_t>(more);
  }
  return file;
}

std::optional<std::string> content_of(int file) {
  struct stat facts{};
  if (::fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  if (::lseek(file, 0, SEEK_SET) != 0) return std::nullopt;
  auto bytes = base::read_all(file, "a message", Channel::kMostBytes);
  if (!bytes) return std::nullopt;
  return std::move(*bytes);
}

}  // namespace

bool may_pass(int code) noexcept {
  return code == EAGAIN || code == ETOOMANYREFS || base::is_shortage(code);
}

base::Expected<void> send(int socket, const Message& message) {
  const std::string bytes = to_bytes(message);
  if (bytes.size() > Channel::kMostBytes) return base::fail_errno("the message is too long", EMSGSIZE);
  std::string record(1, kWhole);
  base::UniqueFd file;
  int descriptors[2];
  std::size_t count = 0;
  if (bytes.size() <= kMostInRecord) {
    record += bytes;
  } else {
    auto made = file_with(bytes);
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
    std::optional<std::string> bytes;
    std::size_t next = 0;
    if (text[0] == kWhole) {
      bytes = std::string(text + 1, packet.size() - 1);
    } else if (text[0] == kInFile && packet.descriptors() > 0) {
      bytes = content_of(packet.descriptor(next++));
    }
    if (!bytes) continue;
    base::UniqueFd socket;
    if (next < packet.descriptors()) socket = base::UniqueFd(packet.take(next));
    if (auto message = from_bytes(*bytes, std::move(socket))) return message;
  }
  return std::nullopt;
}

}  // namespace gracevisor::succession
