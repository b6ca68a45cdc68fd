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

// Whose a connection is: that of an IPv4 address, or of the /64 of an IPv6 one, of which a single machine has
// them all.
struct ClientKey {
  std::array<unsigned char, 8> network{};  // in network order; of IPv4 the first four
  std::uint8_t family = 0;                 // 0: nobody's, as on a Unix socket

  [[nodiscard]] explicit operator bool() const noexcept { return family != 0; }
  bool operator==(const ClientKey&) const = default;
};
// IPv4 in IPv6 is IPv4.
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

  // Counts one more; valid until the last one has left.
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
      // The bits that differ between neighbours are the highest of an address in network order.
      constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;
      std::uint64_t mixed = (std::bit_cast<std::uint64_t>(key.network) ^ key.family) * kOdd;
      return static_cast<std::size_t>(mixed ^ (mixed >> 32U));
    }
  };
  std::unordered_map<ClientKey, Client, Hash> clients_;
};

}  // namespace gracevisor::proxy
