// Why an instance did not become healthy, told in the same way by deploys and starts: how it ended or what it
// waits for, its last lines, who holds a port that it wanted, and what its probes show. Thread: the
// supervisor's.
#pragma once

#include <string>

#include "decide/instance.h"
#include "decide/report.h"

namespace gracevisor::decide {

struct Explanation {
  std::string cause = {};  // on one line: "KeyError: 'DATABASE_URL', app.py line 4"
  bool wrote = false;      // has it written anything?
  bool executed = true;    // false: its program could not be started
};

// Tells the facts, which become lines of `report` and of the log.
[[nodiscard]] Explanation explain(const Instance& culprit, const Surroundings& around, Report& report);

// last_words() of what it wrote; empty if its program could not be started.
[[nodiscard]] std::string last_words_of(const Instance& instance, const Knowledge& knowledge);

}  // namespace gracevisor::decide
