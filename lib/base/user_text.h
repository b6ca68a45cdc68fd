// A user as reports and logs name it, without a look-up: "root", "uid 1000". Thread: any.
#pragma once

#include <cstdint>
#include <string>

namespace gracevisor::base {

[[nodiscard]] inline std::string user_text(std::uint64_t uid) {
  return uid == 0 ? "root" : "uid " + std::to_string(uid);
}

}  // namespace gracevisor::base
