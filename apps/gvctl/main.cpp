// gvctl: one command to the daemon over its control socket.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "gvctl/answers.h"
#include "gvctl/commands.h"
#include "gvctl/daemon_socket.h"
#include "gvctl/interrupt.h"

namespace {

using namespace gracevisor;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Does Ctrl-C end the wait with a notice? The change that was begun continues without us.
bool is_change(gvctl::Verb verb) {
  switch (verb) {
    case gvctl::Verb::deploy:
    case gvctl::Verb::abort:
    case gvctl::Verb::start:
    case gvctl::Verb::stop:
    case gvctl::Verb::kill:
    case gvctl::Verb::signal:
    case gvctl::Verb::scale:
    case gvctl::Verb::attach:
    case gvctl::Verb::wait:
    case gvctl::Verb::reload:
    case gvctl::Verb::upgrade:
    case gvctl::Verb::shutdown: return true;
    case gvctl::Verb::status:
    case gvctl::Verb::logs:
    case gvctl::Verb::history:
    case gvctl::Verb::environment:
    case gvctl::Verb::show:
    case gvctl::Verb::check:
    case gvctl::Verb::names:
    case gvctl::Verb::schema:
    case gvctl::Verb::version: return false;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away is a result of write(), not a signal.
  (void)std::signal(SIGPIPE, SIG_IGN);
  gvctl::Output out(STDOUT_FILENO);
  gvctl::Output err(STDERR_FILENO);

  std::vector<std::string> arguments(argv + 1, argv + argc);
  auto line = gvctl::parse_command_line(arguments, environment("GRACEVISOR_SOCKET"));
  if (!line) {
    const gvctl::Ending& ending = line.error();
    if (ending.exit != 0 && gvctl::asks_for_json(arguments)) {
      out.write(control::to_json(control::Error{ending.what, control::ExitCode::usage, {}}) + "\n");
    } else {
      (ending.exit == 0 ? out : err).write(ending.text);
    }
    return ending.exit;
  }

  control::Client::Options options;
  std::optional<gvctl::Interrupt> interrupt;
  if (is_change(line->verb)) {
    // Without it Ctrl-C ends gvctl the usual way; the change continues all the same.
    if (auto watched = gvctl::Interrupt::watch()) interrupt.emplace(std::move(*watched));
    if (interrupt) options.interrupt = interrupt->descriptor();
  }
  auto socket = gvctl::find_socket(*line, environment("XDG_RUNTIME_DIR"));
  if (!socket) {
    err.write("gvctl: " + socket.error().what + "\n");
    return static_cast<int>(control::ExitCode::usage);
  }
  // All apps that are waited for share it.
  if (line->timeout) {
    const auto now = std::chrono::steady_clock::now();
    options.deadline = now + std::min<base::Duration>(*line->timeout, base::TimePoint::max() - now);
  }
  // A change reads files before it is answered, and logs may have to be searched for.
  const bool slow = is_change(line->verb) || line->verb == gvctl::Verb::logs;
  if (!slow) options.patience = gvctl::kAnswers;
  control::Client client(std::move(*socket), options);
  const bool plain = !environment("NO_COLOR").empty() || environment("TERM") == "dumb";
  gvctl::Style style{out.terminal() && !plain};

  gvctl::Commands commands(*line, client, out, err, style);
  const auto refused = slow ? commands.greet() : std::nullopt;
  const int exit = refused ? *refused : commands.run();
  bool lost_output = !out.good() && out.failure() != EPIPE;
  if (lost_output) err.write("gvctl: cannot write the output: " + base::errno_text(out.failure()) + "\n");
  return lost_output && exit == 0 ? 1 : exit;
}
