// What identifies a request when its app balances by hash: a number made from a header's or cookie's value or
// from the client's address. Thread: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/config.h"
#include "http/head.h"

namespace gracevisor::proxy {

// 0: nothing to go by.
[[nodiscard]] std::uint64_t affinity_of(const config::ProxyOptions& options, const http::RequestHead& head,
                                        std::string_view client) noexcept;
[[nodiscard]] std::uint64_t affinity_of(std::string_view text) noexcept;

}  // namespace gracevisor::proxy
