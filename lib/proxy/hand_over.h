// The clients of a predecessor on their way to its successor: those that wait to be given, and how they are.
//
//   no successor --a table has one--> active --its channel says that it is gone--> broken
//
// active: every connection on which nothing is under way waits here until the channel takes it, in the next
// turn of the loop unless the channel is full. It is closed then without a word to its client.
// broken: nobody will come for them. Each is served here, and ends with its next answer or soon after it has
// become idle.
// Owner: Core. Thread: the worker's.
#pragma once

#include <deque>
#include <memory>

#include "loop/next_turn.h"
#include "loop/timer.h"
#include "proxy/bell.h"
#include "routing/worker_port.h"
#include "succession/client_channel.h"

namespace gracevisor::proxy {

class Downstream;

class HandOver {
 public:
  HandOver(loop::Loop& loop, routing::WorkerPort& port, const Bell& bell);
  HandOver(const HandOver&) = delete;
  HandOver& operator=(const HandOver&) = delete;
  ~HandOver() = default;

  // As the current table says. Whether every connection has to look which of its states it is in now.
  [[nodiscard]] bool follow(const std::shared_ptr<const succession::ClientChannel>& successor);
  [[nodiscard]] bool active() const noexcept { return channel_ != nullptr && !broken_; }
  [[nodiscard]] bool broken() const noexcept { return broken_; }

  // Waits from now on. Requires: active(), and it does not wait yet.
  void add(Downstream& client);
  // No longer waits. Requires: it does.
  void leave(const Downstream& client) noexcept;
  // Its patience is over: it goes at once, or is served here. Requires: it waits.
  void give_or_keep(Downstream& client);

 private:
  void give_some();
  // False: the channel is full.
  bool give(Downstream& client);
  void give_up();
  void count() noexcept;

  routing::WorkerPort& port_;
  const Bell& bell_;
  std::shared_ptr<const succession::ClientChannel> channel_;
  bool broken_ = false;
  std::deque<Downstream*> waiting_;  // the first one has waited longest
  loop::NextTurn next_;
  loop::Timer again_;
};

}  // namespace gracevisor::proxy
