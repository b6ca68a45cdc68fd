// An accepting socket on one loop. Accepting is bounded per turn, so that a burst of connections does not
// starve those that are open; when descriptors run out its owner is told, and unless that one can give one up
// it pauses for a moment instead of spinning.
//
// A turn accepts one connection for every four reads since the turn that accepted last, at least one and at
// most 16. What the kernel has freed with a connection that has ended, the next one gets while it is still in
// the CPU's caches; of sixteen at once, turn after turn, most come from cold memory. And where a turn is
// long, because many connections are busy, more than one has to be taken in each. Thread: the loop's.
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

  // No descriptor or no memory was left for a connection that waits (`code` is errno's value). True:
  // something was given up for it, so accept again at once. Must not destroy the listener.
  using OnShort = std::function<bool(int code)>;

  // `socket` listens already (see open_listening_socket) and is non-blocking.
  [[nodiscard]] static base::Expected<std::unique_ptr<Listener>> create(Loop& loop, base::UniqueFd socket,
                                                                        OnAccepted on_accepted,
                                                                        OnShort on_short = nullptr);

  // Accepts what waits in the backlog until there is nothing more: before closing, so that nobody is reset.
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
