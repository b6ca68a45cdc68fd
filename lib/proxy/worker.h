// One proxy worker: a thread with one loop, and everything on it. It learns what to do only from the tables
// in its port's mailbox, and informs the supervisor through the marks and cells that it writes and through a
// bell. Threads: start, wake, finish, join and destruction belong to the supervisor; everything else belongs
// to the worker's own thread, which blocks every signal.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "base/error.h"
#include "handoff/tally.h"
#include "loop/fd_watch.h"
#include "loop/wakeup.h"
#include "proxy/accept_group.h"
#include "routing/worker_port.h"

namespace gracevisor::proxy {

class Worker {
 public:
  struct Settings {
    base::WorkerIndex index;
    std::size_t workers = 1;
    // Called on the worker's thread after access-log lines have been put into the port's lane.
    std::function<void()> ring_writer = {};
    AcceptGroup* accept_group = nullptr;  // outlives the worker; null: the worker keeps what it accepts
  };
  // `port` outlives the worker. `ring_supervisor` is called on the worker's thread whenever the supervisor
  // should look again, for example after a table was adopted or a pinned one released, a lease on an endpoint
  // that is no longer a target ended, a probe reported, a connection to an instance failed, requests began or
  // ceased to be held, a limit was reached or a request failed.
  [[nodiscard]] static base::Expected<std::unique_ptr<Worker>> start(Settings settings,
                                                                     routing::WorkerPort& port,
                                                                     std::function<void()> ring_supervisor);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Calls finish() and join(), unless join() has been called.
  ~Worker();

  // A letter is in the mailbox. (A lost ring costs up to a second.)
  void wake() noexcept { wakeup_->ring(); }
  // Closes everything now and ends the thread.
  void finish() noexcept;
  // Waits for the thread's end: no lease of this worker is left then. Returns the result of closing the loop:
  // 0, or what it says about a leaked handle.
  [[nodiscard]] int join();

 private:
  Worker() = default;
  void run(const Settings& settings, routing::WorkerPort& port, std::function<void()> ring_supervisor);

  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<loop::Wakeup> wakeup_;
  std::unique_ptr<loop::FdWatch> doorbell_;  // of the accept group, if there is one
  std::function<void()> look_;               // the worker's thread only, while it runs
  handoff::Tally finishing_;                 // written by the supervisor
  std::thread thread_;
  int closed_ = 0;
};

}  // namespace gracevisor::proxy
