#include "options.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <map>

namespace gracevisor::demo {
namespace {

constexpr double kLongestMillis = 24.0 * 3600 * 1000;

// Durations as the configuration file writes them: "1.5s", "250ms", "2m".
class DurationOption {
 public:
  DurationOption(CLI::App& app, const std::string& name, const std::string& help) {
    option_ = app.add_option(name, milliseconds_, help)
                  ->transform(CLI::AsNumberWithUnit(
                      std::map<std::string, double>{{"ms", 1}, {"s", 1000}, {"m", 60000}},
                      CLI::AsNumberWithUnit::UNIT_REQUIRED, "DURATION"))
                  ->check(CLI::Range(0.0, kLongestMillis))
                  ->option_text("DURATION");
  }
  [[nodiscard]] bool given() const { return option_->count() > 0; }
  [[nodiscard]] base::Duration value() const {
    return std::chrono::duration_cast<base::Duration>(
        std::chrono::duration<double, std::milli>(milliseconds_));
  }

 private:
  double milliseconds_ = 0;
  CLI::Option* option_ = nullptr;
};

// `listen_on` may be a full address, or just a host, which is combined with `port`.
base::Expected<base::Address> choose_address(const std::string& socket, const std::string& listen_on,
                                             const std::string& host, std::uint16_t port) {
  if (!socket.empty()) return base::Address::unix_path(socket);
  if (!listen_on.empty()) {
    if (auto whole = base::Address::parse(listen_on)) return whole;
  }
  return base::Address::parse((listen_on.empty() ? host : listen_on) + ":" + std::to_string(port));
}

}  // namespace

std::variant<Options, int> read_options(int argc, char** argv) {
  Options options;
  std::string host = "127.0.0.1";
  std::string listen_on;
  std::string socket;
  std::uint16_t port = 0;

  CLI::App app("A tiny web app with switches, to try gracevisor with.", "gvdemo");
  app.add_option("--port", port, "port to listen on; 0 takes any")->envname("PORT");
  app.add_option("--host", host, "numeric address to listen on");
  app.add_option("--listen-on", listen_on, "listen here instead: [::1], 127.0.0.1:80, unix:/run/x.sock");
  app.add_option("--socket", socket, "Unix socket to listen on")->envname("SOCKET");
  app.add_flag("--fd", options.activated, "listen on descriptor 3, as LISTEN_FDS says (sd_listen_fds(3))");
  app.add_option("--version-text", options.version, "the version that / answers with")->envname("VERSION");
  DurationOption boot_delay(app, "--boot-delay", "do not listen before so long");
  app.add_flag("--never-listen", options.never_listen, "boot for ever");
  DurationOption exit_after(app, "--exit-after", "exit so long after the start");
  app.add_option("--exit-code", options.exit_code, "what --exit-after exits with")->check(CLI::Range(0, 255));
  DurationOption reply_delay(app, "--reply-delay", "delay of every answer of /");
  DurationOption health_delay(app, "--health-delay", "delay of every answer of /health");
  app.add_flag("--unhealthy", options.unhealthy, "/health answers 503");
  app.add_flag("--ignore-term", options.ignore_term, "ignore SIGTERM");
  DurationOption term_delay(app, "--term-delay", "stay so long after SIGTERM");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    int code = app.exit(problem);
    return code == 0 ? 0 : 2;
  }
  auto address = choose_address(socket, listen_on, host, port);
  if (!address) {
    (void)std::fprintf(stderr, "gvdemo: %s\n", address.error().what.c_str());
    return 2;
  }
  options.address = *address;
  options.boot_delay = boot_delay.value();
  if (exit_after.given()) options.exit_after = exit_after.value();
  options.reply_delay = reply_delay.value();
  options.health_delay = health_delay.value();
  options.term_delay = term_delay.value();
  return options;
}

}  // namespace gracevisor::demo
