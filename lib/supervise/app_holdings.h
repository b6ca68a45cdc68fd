// What an app keeps across its generations: its counts, what its instances write, what was done to it, and
// the user whose rights its logs may need. Thread: the supervisor's; the workers write the ledger's cells.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "base/strong.h"
#include "routing/route_table.h"
#include "spawn/plan.h"
#include "supervise/app_output.h"
#include "supervise/history.h"

namespace gracevisor::supervise {

struct AppHoldings {
  std::shared_ptr<routing::AppLedger> ledger;
  std::uint64_t window = 0;  // of the ledger's slowest values
  std::shared_ptr<AppOutput> output;
  std::shared_ptr<History> history;
  std::uint64_t slots_kept = 0;              // the decider's changes() by then
  const spawn::Credentials* user = nullptr;  // null: the daemon's; the writer keeps it
};

using Holdings = std::map<base::AppId, AppHoldings>;

}  // namespace gracevisor::supervise
