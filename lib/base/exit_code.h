// gvctl's exit codes: the same for every command, in the API's error answers and on the last line of a
// report (config-and-cli page of the design). Thread: values, any thread.
#pragma once

namespace gracevisor::base {

enum class ExitCode : int {
  done = 0,
  failed = 1,
  usage = 2,        // or the configuration
  unreachable = 3,  // no daemon, or it does not answer; nothing else
  no_such_app = 4,
  busy = 5,
  aborted = 6,  // or superseded
  not_permitted = 7,
  some_failed = 8,  // of several apps
  preflight_failed = 9,
  exited_before_healthy = 10,
  health_timeout = 11,
  hook_failed = 12,
  rolled_back = 13,  // after the cutover
  no = 14,           // the answer to the question asked is no
  detached = 124,    // the wait ended first; the deploy continues
};

}  // namespace gracevisor::base
