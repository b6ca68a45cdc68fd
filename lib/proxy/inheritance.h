// What a successor's worker takes over: the clients that the predecessor hands to whichever worker looks
// first, as long as the table names a predecessor and it lives. Owner: Core. Thread: the worker's.
#pragma once

#include <memory>

#include "base/unique_fd.h"
#include "loop/fd_watch.h"
#include "loop/timer.h"
#include "routing/worker_port.h"
#include "succession/client_channel.h"

namespace gracevisor::proxy {

class Core;

class Inheritance {
 public:
  Inheritance(Core& core, routing::WorkerPort& port);
  Inheritance(const Inheritance&) = delete;
  Inheritance& operator=(const Inheritance&) = delete;
  ~Inheritance() = default;

  // As the current table says. Requires: the listeners are open. What a former one has still sent is taken
  // first: it ends behind that.
  void follow(const std::shared_ptr<const succession::ClientChannel>& predecessor);
  // Tries again what failed for lack of descriptors.
  void watch_missing();

 private:
  void take_some();
  void begin_next();
  void stop() noexcept;

  Core& core_;
  routing::WorkerPort& port_;
  std::shared_ptr<const succession::ClientChannel> wanted_;   // by the table
  std::shared_ptr<const succession::ClientChannel> channel_;  // the same, or a former one's
  bool ended_ = false;                                        // nothing more comes through it
  base::UniqueFd own_;                                        // this worker's, for its own loop
  std::unique_ptr<loop::FdWatch> watch_;
  loop::Timer back_off_;  // no descriptor is left for what comes
};

}  // namespace gracevisor::proxy
