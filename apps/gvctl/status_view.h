// gvctl status for people: one line an app, and what is wrong below it; with its instances if they are asked
// for. Never wider than the terminal. Pure. Thread: values.
//
//   APP     GEN  STATE    INSTANCES  REQ/S  5XX  CPU   MEM   UP   ADDRESS
//   web     @43  live     2/2        412    0    38%   312M  2d   example.com/api on 127.0.0.1:80
//   worker  @7   backoff  0/1        -      -    -     -     -
//     !  7.1 backoff, 6 failures: exit 1 "PG::ConnectionBad: refused", next in 7 s
//   !  daemon pid 5210 since 14 s: restarted 3 times by its keeper (pid 4711), the former one ended by signal
//   9
//      (KILL)
//   >  predecessor pid 4711, version 1.3.0, drains since 4 min: 3 connections, 3 of them WebSockets or TCP: a
//      further gvctl upgrade ends it with --now
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/status_messages.h"
#include "gvctl/style.h"

namespace gracevisor::gvctl {

struct StatusLook {
  Style style;
  std::optional<std::size_t> width;  // of the terminal, in characters; unset: no limit
  bool instances = false;
  bool verbose = false;  // also the daemon and its keeper, whatever there is to say of them
};

// Lines with their newlines.
[[nodiscard]] std::string render(const control::StatusReport& report, const StatusLook& look);
// At most `height` lines of it; the last one tells how many are missing.
[[nodiscard]] std::string fit(const std::string& screen, std::size_t height);

// Does everything that should run serve, with every instance?
[[nodiscard]] bool all_well(const control::StatusReport& report);

}  // namespace gracevisor::gvctl
