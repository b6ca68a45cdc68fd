// Looks at the processes of instances every 10 s, in a thread of its own: a slow /proc never delays a
// decision, and what a look may cost is bounded (memory.h).
//
//   supervisor --watch--> thread --sample, ring--> supervisor
//
// What is new is looked at within a second, and again a second later, so that its CPU time is soon known: at
// most one look a second, however much begins. While there is nothing to watch, the thread sleeps. Threads:
// the public functions are the supervisor's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "base/error.h"
#include "handoff/latest.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "loop/wakeup.h"
#include "observe/memory.h"
#include "observe/usage.h"

namespace gracevisor::observe {

using Watched = std::set<ProcessKey>;        // main processes
using Sample = std::map<ProcessKey, Usage>;  // of their trees

class Sampler {
 public:
  // `ring` is called on the thread after each sample; it must outlive this.
  [[nodiscard]] static base::Expected<std::unique_ptr<Sampler>> start(std::function<void()> ring);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  // Ends the thread: within one look.
  ~Sampler();

  void watch(Watched processes);
  // Null: none came since the last call.
  [[nodiscard]] std::unique_ptr<Sample> take() { return samples_.take(); }

 private:
  explicit Sampler(std::function<void()> ring);
  void on_news();
  void look();

  std::function<void()> ring_;
  handoff::Latest<Watched> orders_;  // null is never sent: empty means nothing to watch
  handoff::Latest<Sample> samples_;
  handoff::Latest<bool> end_;  // a letter: the thread is to end
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<loop::Wakeup> news_;
  // The thread's.
  std::unique_ptr<loop::Timer> due_;
  Watched watched_;
  bool again_ = false;  // the next look follows soon
  base::TimePoint looked_at_{};
  UsageBook usage_;
  MemoryBook memory_;
  std::thread thread_;
};

}  // namespace gracevisor::observe
