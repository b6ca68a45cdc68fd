// A daemon that was superseded, until its clients are done: talks with its successor, and says what becomes
// of them to whoever waits for the upgrade. Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/log.h"
#include "decide/report.h"
#include "loop/fd_watch.h"
#include "loop/next_turn.h"
#include "loop/timer.h"
#include "succession/channel.h"
#include "succession/client_channel.h"
#include "supervise/departure.h"
#include "supervise/supervisor.h"

namespace gracevisor::daemon {

class Departing {
 public:
  struct Around {
    loop::Loop& loop;
    base::Log& log;
    supervise::Supervisor& supervisor;
    base::Duration drain_timeout{};  // 0: none
    std::function<void()> over;      // runs once
  };
  // `channel` and `clients` are empty if the successor could not be given them. `report` may be null.
  Departing(Around around, std::optional<succession::Channel> channel,
            std::shared_ptr<const succession::ClientChannel> clients, std::shared_ptr<decide::Report> report);
  Departing(const Departing&) = delete;
  Departing& operator=(const Departing&) = delete;
  ~Departing() = default;

  // The successor says this.
  void on(const succession::Message& message);
  // A worker rang.
  void look() { departure_->look(); }
  [[nodiscard]] std::string progress(const decide::Report& report) const;
  // It is to end: tunnels are closed; when told again, everything is cut.
  void end();

 private:
  void read();
  void pass_on();
  void advance();
  void tell_use();
  void report(const supervise::Departure::Counts& counts);
  void tell(std::string phase, std::string text);
  [[nodiscard]] base::TimePoint now() const { return around_.loop.now(); }

  Around around_;
  std::optional<succession::Channel> channel_;
  std::shared_ptr<const succession::ClientChannel> clients_;
  std::shared_ptr<decide::Report> report_;
  std::unique_ptr<loop::FdWatch> watch_;
  std::unique_ptr<supervise::Departure> departure_;
  std::optional<succession::OutputRead> unsent_output_;
  bool output_sent_ = false;
  std::optional<succession::InUse> told_;
  base::TimePoint told_at_{};
  std::uint64_t under_way_ = 0;  // requests, when it began
  base::TimePoint since_{};
  std::optional<base::TimePoint> passing_since_;
  bool handed_ = false;  // and said so
  bool over_ = false;
  loop::NextTurn next_turn_;
};

}  // namespace gracevisor::daemon
