// The supervisor's half of what goes to syslog and journald: a queue for each sink (sink.h), from the first
// line for it until no app's lines may go there any more.
//
//   used --by no app--> leaving --empty, or 10 s later--> ending --the thread has let it go--> gone
//
// What is left of one that takes nothing is given up and counted then. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loop/loop.h"
#include "loop/timer.h"
#include "output/line_queue.h"
#include "output/sink_thread.h"

namespace gracevisor::output {

class Sinks {
 public:
  static constexpr base::Duration kLeave = std::chrono::seconds(10);

  // See SinkThread::start and LineQueue. `patience`: with what takes nothing and is used by no app.
  [[nodiscard]] static base::Expected<std::unique_ptr<Sinks>> start(loop::Loop& loop, loop::Wakeup& news,
                                                                    std::shared_ptr<const LogOpener> opener,
                                                                    std::function<void()> on_room,
                                                                    base::Duration patience = kLeave);
  Sinks(const Sinks&) = delete;
  Sinks& operator=(const Sinks&) = delete;
  ~Sinks() = default;

  // See Writer::append, Writer::takes and Writer::use_sinks.
  void append(const FilePolicy& policy, std::string_view text, bool now);
  [[nodiscard]] bool takes(const FilePolicy& policy) const noexcept;
  void use(const std::string& app, const std::vector<FilePolicy>& sinks);
  // The thread rang.
  void look();
  [[nodiscard]] std::optional<Trouble> pop_trouble() { return thread_->pop_trouble(); }
  [[nodiscard]] std::uint64_t dropped_lines() const noexcept;
  // Sends what is left, but not for long (SinkThread::send_rest): the last call.
  void finish();

 private:
  using Where = std::pair<SinkKind, std::string>;
  struct At {
    Sink* sink = nullptr;
    std::unique_ptr<LineQueue> queue;
    base::TimePoint until{};  // of one that leaves
    bool ending = false;
  };

  Sinks(loop::Loop& loop, std::function<void()> on_room, base::Duration patience)
      : loop_(loop), on_room_(std::move(on_room)), patience_(patience), timer_(loop, [this] { look(); }) {}
  [[nodiscard]] static Where where(const FilePolicy& policy) { return {policy.sink, policy.path.native()}; }
  [[nodiscard]] LineQueue* queue_for(const FilePolicy& policy);
  void leave(At at);
  void let_go(const Sink* sink);

  loop::Loop& loop_;
  std::function<void()> on_room_;
  base::Duration patience_;
  std::unique_ptr<SinkThread> thread_;
  std::map<std::string, std::set<Where>> users_;  // by app
  std::map<Where, At> used_;
  std::list<At> leaving_;
  std::uint64_t gone_ = 0;  // lines dropped by what is no longer there, or for which there was no sink
  loop::Timer timer_;       // looks after those that leave
};

}  // namespace gracevisor::output
