// gvctl: one command to the daemon over its control socket.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>

#include "gvctl/commands.h"
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
    case gvctl::Verb::shutdown: return true;
    case gvctl::Verb::status:
    case gvctl::Verb::logs:
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
    (line.error().exit == 0 ? out : err).write(line.error().text);
    return line.error().exit;
  }

  control::Client::Options options;
  std::optional<gvctl::Interrupt> interrupt;
  if (is_change(line->verb)) {
    // Without it Ctrl-C ends gvctl the usual way; the change continues all the same.
    if (auto watched = gvctl::Interrupt::watch()) interrupt.emplace(std::move(*watched));
    if (interrupt) options.interrupt = interrupt->descriptor();
  }
  std::string socket = line->socket.empty()
                           ? control::default_socket_path(::geteuid(), environment("XDG_RUNTIME_DIR"))
                           : line->socket;
  control::Client client(std::move(socket), options);
  gvctl::Style style{out.terminal() && environment("NO_COLOR").empty()};

  int exit = gvctl::Commands(*line, client, out, err, style).run();
  bool lost_output = !out.good() && out.failure() != EPIPE;
  if (lost_output) err.write("gvctl: cannot write the output: " + base::errno_text(out.failure()) + "\n");
  return lost_output && exit == 0 ? 1 : exit;
}
