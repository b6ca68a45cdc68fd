// A record of the client channel, as bytes: how one is written, and what is taken for one. Both daemons run
// on the same machine, so numbers are in its order; another version of the form has another mark. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "succession/client_channel.h"

namespace gracevisor::succession {

inline constexpr std::size_t kMostRecord = 512;

struct ClientRecord {
  ClientState state;         // `bytes`: those in the record
  std::size_t in_memfd = 0;  // this many bytes are in the memfd that comes along, and none in the record
};

// Unset: it cannot travel (a name that is too long, a client of another family). `out` is at most
// kMostRecord long. True: the bytes did not fit, and belong into a memfd.
[[nodiscard]] std::optional<bool> write_client_record(const ClientState& state, std::string& out);
// Unset: that is no record.
[[nodiscard]] std::optional<ClientRecord> read_client_record(std::string_view record);

}  // namespace gracevisor::succession
