// The switches of gvdemo: how it boots, how it answers and how it ends.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/address.h"
#include "base/clock.h"

namespace gracevisor::demo {

struct Options {
  base::Address address;                     // from --socket, --listen-on, or --host and --port
  bool activated = false;                    // listens on the descriptor it was started with
  std::string version = "v1";                // what "/" says
  base::Duration boot_delay{};               // before it starts listening
  bool never_listen = false;                 // never finishes booting
  std::optional<base::Duration> exit_after;  // exits by itself this long after its start
  int exit_code = 1;                         // with this code
  base::Duration reply_delay{};              // before each answer of "/"
  base::Duration health_delay{};             // before each answer of "/health"
  bool unhealthy = false;                    // "/health" says 503
  bool ignore_term = false;                  // SIGTERM does nothing
  base::Duration term_delay{};               // SIGTERM ends the process no sooner than this
};

// The options, or the exit code if there is nothing to run (--help, a usage error).
[[nodiscard]] std::variant<Options, int> read_options(int argc, char** argv);

}  // namespace gracevisor::demo
