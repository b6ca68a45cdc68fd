// An accepting socket on one loop. Accepting is bounded per turn, so that a burst of new connections does not
// starve open ones. When descriptors run out, the owner is told; unless the owner can give one up, the
// listener pauses briefly instead of spinning.
//
// A turn accepts one connection for every four reads since the last accepting turn, at least one and at most
// 16. Memory that the kernel frees when a connection ends goes to the next connection while it is still in
// the CPU's caches; accepting sixteen at once, turn after turn, mostly uses cold memory. When turns are long
// because many connections are busy, each turn has to accept more than one. Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>

#include "base/address.h"
#include "base/unique_fd.h"
#include "loop/fd_watch.h"
#include "loop/loop.h"
#include "loop/timer.h"

namespace gracevisor::loop {

struct Accepted {
  base::UniqueFd socket;  // non-blocking, close-on-exec
  base::Address peer;     // text() is "unix:" for unnamed Unix sockets
};

class Listener {
 public:
  // Receives each connection.
  using OnAccepted = std::function<void(Accepted accepted)>;

  // No descriptor or no memory was left for a waiting connection (`code` is the errno value). True: something
  // was given up for it, so accept again at once. Must not destroy the listener.
  using OnShort = std::function<bool(int code)>;

  // `socket` is already listening (see open_listening_sockets) and non-blocking.
  [[nodiscard]] static base::Expected<std::unique_ptr<Listener>> create(Loop& loop, base::UniqueFd socket,
                                                                        OnAccepted on_accepted,
                                                                        OnShort on_short = nullptr);

  // Accepts everything in the backlog: called before closing, so that no client is reset.
  void accept_all();

 private:
  Listener(Loop& loop, base::UniqueFd socket, OnAccepted on_accepted, OnShort on_short);
  void accept_some(std::uint64_t limit);
  [[nodiscard]] std::uint64_t limit_of_turn() noexcept;

  Loop& loop_;
  std::uint64_t reads_seen_ = 0;
  base::UniqueFd socket_;
  OnAccepted on_accepted_;
  OnShort on_short_;
  Timer back_off_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace gracevisor::loop
