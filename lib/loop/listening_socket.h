// Opens listening sockets, one per worker, so that a busy address is an error and yet the workers share it.
// Thread: the supervisor's (the sockets then travel to the workers in the route table).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"

namespace gracevisor::loop {

struct ListeningSockets {
  base::Address address;                // with the real port where 0 was asked for
  std::vector<base::UniqueFd> sockets;  // one per worker, listening, non-blocking, close-on-exec
};

// Whether the first socket is alone on its port, or joins others of ours: beside a wildcard's sockets no
// single address of its family can be listened on otherwise, nor the other way round.
enum class ListeningGroup : std::uint8_t { founded, joined };

// TCP: the first socket binds with SO_REUSEADDR alone, so a busy address fails, then gets SO_REUSEPORT, and
// the others join with it. Unix: one socket and a duplicate per worker; a stale path is taken over only if
// nobody listens on it any more.
[[nodiscard]] base::Expected<ListeningSockets> open_listening_sockets(
    const base::Address& address, std::size_t workers, ListeningGroup group = ListeningGroup::founded);

}  // namespace gracevisor::loop
