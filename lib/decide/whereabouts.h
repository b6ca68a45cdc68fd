// Which process an instance has, and where it is reached. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <string>

namespace gracevisor::decide {

struct Whereabouts {
  std::uint64_t pid = 0;     // 0: there is no process
  std::string address = {};  // ":21004"; empty: none
  bool operator==(const Whereabouts&) const = default;
};

// "pid 4711 :21004", or "gone".
[[nodiscard]] inline std::string text(const Whereabouts& where) {
  if (where.pid == 0) return "gone";
  return "pid " + std::to_string(where.pid) + (where.address.empty() ? "" : " " + where.address);
}

}  // namespace gracevisor::decide
