// How many connections each client has open, and which of them are idle. Thread: the worker's.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "base/address.h"
#include "proxy/idle_rank.h"

namespace gracevisor::proxy {

class Downstream;

// The client a connection belongs to: an IPv4 address, or the /64 of an IPv6 address, since a single machine
// has a whole /64.
struct ClientKey {
  std::array<unsigned char, 8> network{};  // in network order; IPv4 uses the first four
  std::uint8_t family = 0;                 // 0: no client, as on a Unix socket

  [[nodiscard]] explicit operator bool() const noexcept { return family != 0; }
  bool operator==(const ClientKey&) const = default;
};
// IPv4 mapped into IPv6 counts as IPv4.
[[nodiscard]] ClientKey client_key(const base::Address& address) noexcept;
// 127/8, or ::1.
[[nodiscard]] bool is_loopback(const ClientKey& key) noexcept;

class ClientCounts {
 public:
  struct Client {
    explicit Client(ClientKey whose) noexcept : key(whose) {}
    const ClientKey key;
    std::size_t connections = 0;
    IdleRank<Downstream> idle{nullptr};  // the anchor
  };

  // Counts one more connection; the result is valid until the client's last connection has left.
  [[nodiscard]] Client& enter(ClientKey key) {
    Client& client = clients_.try_emplace(key, key).first->second;
    ++client.connections;
    return client;
  }
  void leave(Client& client) noexcept {
    if (--client.connections == 0) clients_.erase(client.key);
  }
  [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const ClientKey& key) const noexcept {
      // Neighbouring addresses, in network order, differ in the high bits.
      constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;
      std::uint64_t mixed = (std::bit_cast<std::uint64_t>(key.network) ^ key.family) * kOdd;
      return static_cast<std::size_t>(mixed ^ (mixed >> 32U));
    }
  };
  std::unordered_map<ClientKey, Client, Hash> clients_;
};

}  // namespace gracevisor::proxy
