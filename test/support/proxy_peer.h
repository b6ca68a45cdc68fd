// A raw end of a connection for tests: exact bytes in and out, every wait bounded. Thread: the test's.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"
#include "support/held_port.h"

namespace gracevisor::test {

inline constexpr std::chrono::seconds kPatience{20};

// How a connection ended, seen from this side.
enum class End { open, finished, reset };

class Peer {
 public:
  Peer() = default;
  explicit Peer(base::UniqueFd socket);
  // `receive_buffer` > 0 asks for a small window, for slow readers.
  [[nodiscard]] static Peer connect(const base::Address& address, int receive_buffer = 0);

  // False when the connection breaks or nothing moves for too long.
  bool send(std::string_view bytes);
  // Sends what fits at once; returns the number of bytes.
  std::size_t send_some(std::string_view bytes);
  // Reads until the bytes not yet handed out contain `mark`; returns everything up to and including it. If it
  // does not come: "" (see end()).
  std::string read_past(std::string_view mark);
  std::string read_exactly(std::size_t count);
  // Everything until the other side ends.
  std::string read_to_end();
  // A whole message if it has a Content-Length, otherwise its head alone.
  std::string read_message();

  // Nothing has come, and the connection is open.
  [[nodiscard]] bool quiet();
  [[nodiscard]] End end() const { return end_; }
  void finish_writing();
  void close() { socket_.reset(); }
  void reset();  // RST
  [[nodiscard]] bool connected() const { return static_cast<bool>(socket_); }

 private:
  [[nodiscard]] bool fill(int timeout_ms);

  base::UniqueFd socket_;
  std::string pending_;
  End end_ = End::open;
};

// Takes connections, by default on a port of 127.0.0.1 that the kernel chooses.
class Acceptor {
 public:
  explicit Acceptor(const base::Address& address = base::Address::tcp_loopback(base::Port(0)));
  [[nodiscard]] const base::Address& address() const { return address_; }
  [[nodiscard]] Peer accept();
  // Is no connection waiting to be accepted now?
  [[nodiscard]] bool quiet() const;
  // Refuses connections from now on; no other process gets a port that the kernel chose.
  void close() { socket_.reset(); }

 private:
  std::optional<HeldPort> port_;  // set if `address` left the port to the kernel
  base::UniqueFd socket_;
  base::Address address_;
};

// Checks again and again until `holds` is true or `patience` has passed (false).
template <class Condition>
[[nodiscard]] bool eventually(const Condition& holds, std::chrono::milliseconds patience = kPatience);

void pause_briefly();

template <class Condition>
bool eventually(const Condition& holds, std::chrono::milliseconds patience) {
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    pause_briefly();
  }
  return true;
}

}  // namespace gracevisor::test
