// A daemon that is started as the successor of another one, and what it hears of that one as long as it
// lives.
//
//   booting --all is up--> asking the keeper --it is the owner--> owner, with a predecessor --that ends-->
//   owner
//
// Until it is the owner it acts on nothing; if it ends before, nothing has changed. Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "control/status_messages.h"
#include "keeper_side.h"
#include "loop/fd_watch.h"
#include "loop/timer.h"
#include "succession/channel.h"
#include "supervise/supervisor.h"

namespace gracevisor::daemon {

class Takeover {
 public:
  struct Around {
    loop::Loop& loop;
    base::Log& log;
    supervise::Supervisor& supervisor;
    KeeperSide& keeper;
    std::function<void()> owns;    // what else acts begins to, before the supervisor does
    std::function<void()> owned;   // it does
    std::function<void()> failed;  // the keeper does not make it the owner
  };
  [[nodiscard]] static base::Expected<std::unique_ptr<Takeover>> create(Around around,
                                                                        succession::Channel channel);
  Takeover(const Takeover&) = delete;
  Takeover& operator=(const Takeover&) = delete;
  ~Takeover() = default;

  // A line of the log, for whoever waits for the upgrade.
  void say(std::string_view line) const;
  [[nodiscard]] bool owner() const { return owner_; }
  // Unset: it has ended.
  [[nodiscard]] std::optional<control::PredecessorStatus> predecessor() const;
  // Its pid, also once it has ended; 0: not known.
  [[nodiscard]] pid_t from() const { return from_; }
  void on_daemon_ended(const keeper::Daemon& daemon);

 private:
  Takeover(Around around, succession::Channel channel);
  void ask_to_own();
  void fail(std::string_view why);
  void own();
  void tell_accepting();
  void read();
  void on(succession::Message message);
  void read_on(const succession::OutputRead& unfinished);

  Around around_;
  std::optional<succession::Channel> channel_;
  std::unique_ptr<loop::FdWatch> watch_;
  std::shared_ptr<const succession::ClientChannel> clients_;
  pid_t from_ = 0;
  std::string version_;                     // its
  std::vector<succession::Message> early_;  // until it is the owner
  bool ready_ = false;                      // all is up
  bool asked_ = false;                      // the keeper, to be the owner
  bool owner_ = false;
  bool reads_ = false;
  base::TimePoint since_{};
  loop::Timer output_timer_;
  loop::Timer again_timer_;
};

}  // namespace gracevisor::daemon
