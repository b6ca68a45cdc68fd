// Stands in for syslog or journald: a socket at which messages are taken, also by UDP. Thread: the test's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace gracevisor::test {

class LogSocket {
 public:
  enum class Kind : std::uint8_t { datagram, stream };
  // Listens at `path`, where nothing may be.
  explicit LogSocket(std::filesystem::path path, Kind kind = Kind::datagram);
  // Listens on the loopback by UDP.
  LogSocket();
  LogSocket(const LogSocket&) = delete;
  LogSocket& operator=(const LogSocket&) = delete;
  // Nobody listens any more, and the path is gone.
  ~LogSocket();

  // By UDP: where; "127.0.0.1:40123".
  [[nodiscard]] std::string address() const;
  // Adds what has come to `messages`, and returns them. A message in a sealed memfd is read from there.
  const std::vector<std::string>& take();
  // How many came as a memfd, and whether each of these was sealed.
  [[nodiscard]] std::size_t sealed() const noexcept { return sealed_; }
  [[nodiscard]] bool all_sealed() const noexcept { return all_sealed_; }
  [[nodiscard]] const std::vector<std::string>& messages() const noexcept { return messages_; }
  // Streams whose other end is gone.
  [[nodiscard]] std::size_t closed() const noexcept { return closed_; }
  // The uid of the last sender of a datagram.
  [[nodiscard]] uid_t sender() const noexcept { return sender_; }

 private:
  void take_datagrams();
  void take_streams();
  void take_descriptor(int fd);

  struct Client {
    base::UniqueFd fd;
    std::string begun;
  };

  std::filesystem::path path_;
  Kind kind_;
  base::UniqueFd fd_;
  std::vector<Client> clients_;
  std::vector<std::string> messages_;
  std::size_t sealed_ = 0;
  std::size_t closed_ = 0;
  bool all_sealed_ = true;
  uid_t sender_ = static_cast<uid_t>(-1);
};

// The fields of a message to journald; requires that it is one (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
[[nodiscard]] std::map<std::string, std::string> journal_fields(std::string_view message);

}  // namespace gracevisor::test
