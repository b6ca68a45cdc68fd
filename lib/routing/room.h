// How many descriptors one worker may use: the supervisor shares out what the process's limit leaves. Thread:
// values, any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gracevisor::routing {

struct Room {
  // Clients that may be connected; as many connections to instances may be open.
  std::size_t clients = SIZE_MAX;
  // Connections above that which may wait for our refusal to be read; more are closed at once.
  std::size_t turned_away = 64;
  // Pipes for content that is spliced, of two descriptors each.
  std::size_t pipes = 64;
};

}  // namespace gracevisor::routing
