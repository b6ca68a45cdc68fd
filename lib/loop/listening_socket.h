// Opens listening sockets, one per worker, so that a busy address is an error although the workers share it.
// Thread: the supervisor's (the sockets then travel to the workers in the route table).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"

namespace gracevisor::loop {

struct ListeningSockets {
  base::Address address;                // with the real port if 0 was requested
  std::vector<base::UniqueFd> sockets;  // listening, non-blocking, close-on-exec
};

// Whether the first socket is alone on its port or joins others of ours: without joining, Linux allows no
// specific address next to wildcard sockets of its family, or vice versa.
enum class ListeningGroup : std::uint8_t { founded, joined };

// TCP: the first socket binds with SO_REUSEADDR alone, so that a busy address fails, then gets SO_REUSEPORT,
// and the others join with it. Unix: one socket and a duplicate per worker; a stale path is taken over only
// if no process listens on it any more.
[[nodiscard]] base::Expected<ListeningSockets> open_listening_sockets(
    const base::Address& address, std::size_t workers, ListeningGroup group = ListeningGroup::founded);

// The same of sockets that listen at the address already. If they are fewer than the workers, there is one
// per worker for a Unix address only, where they are copies. An error if one does not listen there.
[[nodiscard]] base::Expected<ListeningSockets> use_listening_sockets(const base::Address& address,
                                                                     std::size_t workers,
                                                                     std::vector<base::UniqueFd> sockets);

// Where a socket listens.
[[nodiscard]] base::Expected<base::Address> listening_address(int socket);

// Could they be opened, as far as that can be said without taking connections? Of a Unix socket nothing is
// said.
[[nodiscard]] base::Expected<void> could_listen(const base::Address& address);

}  // namespace gracevisor::loop
