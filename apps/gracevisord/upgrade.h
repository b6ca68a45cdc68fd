// An upgrade, on the daemon that is the owner (gvctl upgrade, SIGUSR2).
//
//   idle -> waiting (something is in the way) -> checking (--version, --check) -> starting: frozen
//     starting --the successor is the owner--> departing (departing.h)
//              --it ends, or is not the owner in time--> idle: as if nothing had been
//
// A failure before the successor is the owner changes nothing. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "command_run.h"
#include "departing.h"
#include "keeper_side.h"
#include "loop/fd_watch.h"
#include "loop/timer.h"
#include "succession/channel.h"
#include "successor_program.h"
#include "supervise/supervisor.h"
#include "takeover.h"
#include "upgrader.h"

namespace gracevisor::daemon {

class Upgrade final : public Upgrader {
 public:
  struct Around {
    loop::Loop& loop;
    base::Log& log;
    supervise::Supervisor& supervisor;
    KeeperSide& keeper;
    const Takeover* takeover;  // of this daemon; null: it was no successor
    std::filesystem::path config_file;
    std::function<base::Duration()> drain_timeout;
    std::function<void(bool acts)> act;  // what else acts, beside the supervisor, stops or goes on
    std::function<void()> superseded;    // for good
    std::function<void()> over;          // it has departed
  };
  explicit Upgrade(Around around);
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;
  ~Upgrade() = default;

  std::expected<void, decide::Refused> upgrade(const UpgradeRequest& request,
                                               const std::shared_ptr<decide::Report>& report) override;
  [[nodiscard]] std::optional<control::PredecessorStatus> predecessor() const override;
  [[nodiscard]] pid_t took_over_from() const override;
  [[nodiscard]] std::string progress(const decide::Report& report) const override;
  [[nodiscard]] bool frozen() const override { return stage_ == Stage::starting || departing_ != nullptr; }

  // The daemon is told to end. True: that is dealt with here, since another one is the owner or may be soon.
  [[nodiscard]] bool stop();
  // A worker rang.
  void look();
  void on_daemon_ended(const keeper::Daemon& daemon);
  void on_keeper_gone();

 private:
  enum class Stage : std::uint8_t { idle, waiting, checking, starting, departing };

  [[nodiscard]] std::optional<std::string> in_the_way() const;
  // Is that in the way alone which comes with every upgrade and passes by itself?
  [[nodiscard]] bool free_soon() const;
  void poll();
  void ask_version();
  void check();
  void on_checked(const CommandRun::Result& result);
  void run(std::vector<std::string> words, void (Upgrade::*then)(const CommandRun::Result&));
  void start();
  void order();
  void on_started(keeper::SuccessorStarted started);
  [[nodiscard]] base::Expected<void> meet(base::UniqueFd channel);
  void on_version(const CommandRun::Result& result);
  void read();
  void give_up_starting();
  void give_up(base::ExitCode exit, const std::string& why);
  void on_superseded();
  void fail(base::ExitCode exit, const std::string& why, const std::vector<std::string>& lines = {});
  void tell(std::string phase, std::string text);
  [[nodiscard]] base::TimePoint now() const { return around_.loop.now(); }

  Around around_;
  Stage stage_ = Stage::idle;
  UpgradeRequest request_;
  std::shared_ptr<decide::Report> report_;
  SuccessorProgram program_;
  std::string version_;  // the successor's
  base::TimePoint until_{};
  std::string told_obstacle_;
  std::unique_ptr<CommandRun> run_;
  std::optional<succession::Channel> channel_;
  std::unique_ptr<loop::FdWatch> watch_;
  std::shared_ptr<const succession::ClientChannel> clients_;
  pid_t successor_ = 0;
  std::deque<std::string> said_;            // by the successor, the last lines
  std::vector<succession::Message> early_;  // for departing_
  bool stop_ = false;                       // as soon as that is decided
  std::unique_ptr<Departing> departing_;
  std::uint64_t freezes_ = 0;
  bool ordered_ = false;  // the keeper, to start the successor
  loop::Timer poll_timer_;
  loop::Timer freeze_timer_;
  loop::NextTurn next_turn_;
  std::function<void()> next_;
};

}  // namespace gracevisor::daemon
