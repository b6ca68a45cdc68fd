// A blocking Unix connection that sends and receives raw bytes, for what a well-behaved client never does.
// Thread: the owner's.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"

namespace gracevisor::test {

class UnixClient {
 public:
  explicit UnixClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    auto address = base::Address::unix_path(path);
    connected_ = address && ::connect(fd_.get(), address->get(), address->length()) == 0;
  }

  [[nodiscard]] bool connected() const { return connected_; }

  // False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Tells the other side that we are done sending.
  void finish() { (void)::shutdown(fd_.get(), SHUT_WR); }

  // Reads until the connection ends (or is reset). After ten silent seconds: what came so far and
  // "[silence]".
  std::string read_all() { return read_until(""); }
  // The same, but stops once `end` has come.
  std::string read_until(std::string_view end) {
    while (end.empty() || received_.find(end) == std::string::npos) {
      pollfd readable{fd_.get(), POLLIN, 0};
      if (::poll(&readable, 1, kPatienceMs) <= 0) return received_ + "[silence]";
      std::array<char, 65536> space{};
      ssize_t count = ::recv(fd_.get(), space.data(), space.size(), 0);
      if (count <= 0) return received_;
      received_.append(space.data(), static_cast<std::size_t>(count));
    }
    return received_;
  }
  void forget() { received_.clear(); }

 private:
  // Silence that long is a fault, on a busy machine as well.
  static constexpr int kPatienceMs = 60'000;

  base::UniqueFd fd_;
  bool connected_ = false;
  std::string received_;
};

}  // namespace gracevisor::test
