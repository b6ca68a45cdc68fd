// Capabilities as capabilities(7) names them. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gracevisor::base {

// "CAP_NET_BIND_SERVICE"; one that has no name here by its number: "capability 60".
[[nodiscard]] std::string capability_name(int number);
// "CAP_NET_BIND_SERVICE", "cap_net_bind_service" or "net_bind_service".
[[nodiscard]] Expected<int> capability_number(std::string_view text);

}  // namespace gracevisor::base
