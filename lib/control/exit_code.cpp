#include "control/exit_code.h"

namespace gracevisor::control {

ExitCode exit_for_status(int http_status) noexcept {
  switch (http_status) {
    case 400:
    case 422: return ExitCode::usage;
    case 403: return ExitCode::not_permitted;
    case 404: return ExitCode::no_such_app;
    case 409: return ExitCode::busy;
    default: return ExitCode::failed;
  }
}

int status_for_exit(ExitCode exit) noexcept {
  switch (exit) {
    case ExitCode::done: return 200;
    case ExitCode::usage: return 422;
    case ExitCode::no_such_app: return 404;
    case ExitCode::busy: return 409;
    case ExitCode::not_permitted: return 403;
    case ExitCode::failed:
    case ExitCode::unreachable:
    case ExitCode::aborted:
    case ExitCode::some_failed:
    case ExitCode::preflight_failed:
    case ExitCode::exited_before_healthy:
    case ExitCode::health_timeout:
    case ExitCode::hook_failed:
    case ExitCode::rolled_back:
    case ExitCode::no:
    case ExitCode::detached: return 500;
  }
  return 500;
}

}  // namespace gracevisor::control
