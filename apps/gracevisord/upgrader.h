// What the control API asks of an upgrade: another daemon starts beside this one and takes over from it.
//
// serving -> frozen (the successor gets ready) -> serving, where it has failed
//                                              '-> frozen for good: a predecessor, which only drains
// Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "control/status_messages.h"
#include "decide/app.h"
#include "decide/report.h"

namespace gracevisor::daemon {

struct UpgradeRequest {
  std::filesystem::path to;  // absolute; empty: the program at the path of this one
  bool wait = false;         // until nothing is in the way, `timeout` at most
  base::Millis timeout{};
  bool now = false;  // ends a predecessor that still drains first
  uid_t uid = 0;     // who asks
};

class Upgrader {
 public:
  // Refused at once, or begun: then the last line of `report` says how it ended, for a wait that was in vain
  // as well.
  virtual std::expected<void, decide::Refused> upgrade(const UpgradeRequest& request,
                                                       const std::shared_ptr<decide::Report>& report) = 0;
  // Of this daemon, as long as it drains.
  [[nodiscard]] virtual std::optional<control::PredecessorStatus> predecessor() const = 0;
  // The daemon that was upgraded to this one, as long as this one lives; 0: none was.
  [[nodiscard]] virtual pid_t took_over_from() const = 0;
  // What the upgrade that reports there waits for at this moment; empty: nothing that takes its time.
  [[nodiscard]] virtual std::string progress(const decide::Report& report) const = 0;
  // Nothing is changed here: another daemon is taking over, or has done so.
  [[nodiscard]] virtual bool frozen() const = 0;

 protected:
  ~Upgrader() = default;
};

}  // namespace gracevisor::daemon
