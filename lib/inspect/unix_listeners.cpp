#include "inspect/unix_listeners.h"

#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>

#include "inspect/sock_diag.h"

namespace gracevisor::inspect {
namespace {

using base::Expected;
using UnixListeners = std::vector<UnixListener>;

// The kernel's own device numbers have 20 bits of minor.
std::optional<SocketFile> read_file(std::span<const char> value) {
  unix_diag_vfs raw{};
  if (value.size() < sizeof raw) return std::nullopt;
  std::memcpy(&raw, value.data(), sizeof raw);
  return SocketFile{makedev(raw.udiag_vfs_dev >> 20, raw.udiag_vfs_dev & 0xfffffU), raw.udiag_vfs_ino};
}

// Of a listening socket the length of its queue of connections.
std::uint32_t read_waiting(std::span<const char> value) {
  unix_diag_rqlen raw{};
  if (value.size() < sizeof raw) return 0;
  std::memcpy(&raw, value.data(), sizeof raw);
  return raw.udiag_rqueue;
}

void take(std::span<const char> payload, UnixListeners& result) {
  unix_diag_msg message{};
  if (payload.size() < sizeof message) return;
  std::memcpy(&message, payload.data(), sizeof message);
  if (message.udiag_state != TCP_LISTEN) return;
  auto attributes = payload.subspan(sizeof message);
  auto name = find_attribute(attributes, UNIX_DIAG_NAME);
  if (name.empty() || name.front() == '\0') return;
  UnixListener listener;
  listener.path.assign(name.data(), ::strnlen(name.data(), name.size()));
  listener.file = read_file(find_attribute(attributes, UNIX_DIAG_VFS));
  listener.inode = message.udiag_ino;
  listener.waiting = read_waiting(find_attribute(attributes, UNIX_DIAG_RQLEN));
  result.push_back(std::move(listener));
}

// "ffff8881: 00000002 00000000 00010000 0001 01 4711 /run/x.sock": the path is the rest of the line.
std::optional<UnixListener> parse_proc_line(const std::string& line) {
  constexpr const char* kAccepts = "00010000";
  std::istringstream fields(line);
  std::string number;
  std::string references;
  std::string protocol;
  std::string flags;
  std::string type;
  std::string state;
  UnixListener listener;
  if (!(fields >> number >> references >> protocol >> flags >> type >> state >> listener.inode)) {
    return std::nullopt;
  }
  if (flags != kAccepts || fields.get() != ' ') return std::nullopt;
  listener.path.assign(std::istreambuf_iterator<char>(fields), std::istreambuf_iterator<char>());
  if (listener.path.empty() || listener.path.front() == '@') return std::nullopt;
  return listener;
}

}  // namespace

Expected<UnixListeners> unix_listeners_by_netlink() {
  auto kernel = SockDiag::open();
  if (!kernel) return std::unexpected(kernel.error());
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = 1U << TCP_LISTEN;
  request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN;
  UnixListeners result;
  auto dumped = kernel->dump(std::as_bytes(std::span(&request, 1)), [&result](std::span<const char> payload) {
    take(payload, result);
    return result.size() < kMaxListeners;
  });
  if (!dumped) return std::unexpected(dumped.error());
  return result;
}

Expected<UnixListeners> unix_listeners_by_proc(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line)) return base::fail("cannot read " + file.string());  // the heading
  UnixListeners result;
  while (result.size() < kMaxListeners && std::getline(in, line)) {
    if (auto listener = parse_proc_line(line)) result.push_back(std::move(*listener));
  }
  return result;
}

Expected<UnixListeners> unix_listeners() {
  auto result = unix_listeners_by_netlink();
  return result ? result : unix_listeners_by_proc();
}

UnixListeners listeners_at(const std::filesystem::path& path, const UnixListeners& all) {
  UnixListeners result;
  struct stat st{};
  if (::stat(path.c_str(), &st) == 0) {
    SocketFile file{st.st_dev, static_cast<std::uint32_t>(st.st_ino)};
    std::ranges::copy_if(all, std::back_inserter(result), [&](const auto& one) { return one.file == file; });
  }
  if (!result.empty()) return result;
  // The file cannot be identified (an overlay has its own numbers): then match what bind() was given.
  std::ranges::copy_if(all, std::back_inserter(result), [&](const auto& one) { return one.path == path; });
  return result;
}

}  // namespace gracevisor::inspect
