// How many connections each client address has open, where a listener limits that. Thread: the worker's.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace gracevisor::proxy {

class ClientCounts {
 public:
  // False when `address` has `limit` already; otherwise it is counted.
  [[nodiscard]] bool enter(const std::string& address, unsigned limit) {
    unsigned& count = counts_[address];
    if (count >= limit) return false;
    ++count;
    return true;
  }
  void leave(const std::string& address) noexcept {
    auto it = counts_.find(address);
    if (it != counts_.end() && --it->second == 0) counts_.erase(it);
  }

 private:
  std::unordered_map<std::string, unsigned> counts_;
};

}  // namespace gracevisor::proxy
