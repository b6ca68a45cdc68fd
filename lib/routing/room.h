// How many descriptors one worker may use: the supervisor divides up what the process's limit leaves. Thread:
// values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gracevisor::routing {

struct Room {
  // Clients that may be connected; the same number of connections to instances may be open.
  std::size_t clients = SIZE_MAX;
  // Further connections that may stay open until our refusal has been read; any more are closed at once.
  std::size_t turned_away = 64;
  // Pipes for spliced content, two descriptors each.
  std::size_t pipes = 64;
};

}  // namespace gracevisor::routing
