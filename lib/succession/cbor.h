// Reads CBOR (RFC 8949) that need not be sound. Thread: any.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace gracevisor::succession {

// Reading goes down a level of the stack with each level of the bytes.
inline constexpr std::size_t kDeepestCbor = 16;
inline constexpr std::size_t kMostCborValues = std::size_t{1} << 20;

// Nothing unless the bytes are one value and within these limits. No bytes make it throw.
std::optional<nlohmann::json> read_cbor(std::string_view bytes);

}  // namespace gracevisor::succession
