// gvctl's commands: each asks the daemon and shows its answer. Several apps are handled one after the other.
// Thread: the program's only one.
#pragma once

#include <string>
#include <vector>

#include "control/client.h"
#include "control/messages.h"
#include "gvctl/command_line.h"
#include "gvctl/output.h"
#include "gvctl/render.h"

namespace gracevisor::gvctl {

// The combined exit code: for a single app its own; for several, some_failed if any is not done.
[[nodiscard]] int combined(const std::vector<int>& exits);

class Commands {
 public:
  // `colour` is for `out`. The client's interrupt ends a wait for a deploy, which goes on.
  Commands(const CommandLine& line, const control::Client& client, Output& out, Output& err, Style style);

  // The exit code.
  [[nodiscard]] int run();

 private:
  [[nodiscard]] int status();
  [[nodiscard]] int logs();
  [[nodiscard]] int version();
  // deploy, abort, start, stop: one change after another.
  [[nodiscard]] int change_apps();
  // Follows the report of one POST to its end. `what` names it: "the deploy of web".
  [[nodiscard]] int change(const std::string& path, const std::string& body, const std::string& what);
  // One GET; `show` renders the body of a 200.
  template <class Show>
  [[nodiscard]] int show(const std::string& path, Show show);

  // The apps that the selectors mean; patterns and "all" need the daemon.
  [[nodiscard]] std::expected<std::vector<std::string>, int> apps();

  // Say what went wrong, as text or JSON, and give the exit code.
  [[nodiscard]] int fail(const control::Error& error);
  [[nodiscard]] int fail(const control::CallError& error);
  [[nodiscard]] int fail(const control::Answer& answer);

  const CommandLine& line_;
  const control::Client& client_;
  Output& out_;
  Output& err_;
  Style style_;
};

}  // namespace gracevisor::gvctl
