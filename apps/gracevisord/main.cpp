// gracevisord: a process supervisor and an HTTP load balancer in one program.
#include <cstdio>
#include <string>

#include "config/load.h"
#include "daemon.h"
#include "options.h"
#include "signals.h"

namespace {

using namespace gracevisor;

constexpr int kUsage = 2;

void print(std::FILE* to, const std::string& line) {
  (void)std::fprintf(to, "%s\n", line.c_str());
}

// The checked configuration; every error and warning goes to standard error.
std::optional<config::Config> load(const std::filesystem::path& file) {
  auto loaded = config::load(file);
  if (!loaded) {
    for (const config::Diagnostic& error : loaded.error()) print(stderr, error.line());
    return std::nullopt;
  }
  for (const config::Diagnostic& warning : loaded->warnings) print(stderr, "warning: " + warning.line());
  return std::move(loaded->config);
}

}  // namespace

int main(int argc, char** argv) {
  daemon::Parsed parsed = daemon::parse_options(argc, argv);
  if (parsed.exit) return *parsed.exit;
  const daemon::Options& options = parsed.options;
  if (options.defaults) {
    print(stdout, config::defaults_text());
    return 0;
  }

  auto file = config::find_file(options.config);
  if (!file) {
    print(stderr,
          "gracevisord: no configuration found: name it with -c, or see gracevisord(8) for where it is "
          "looked for");
    return kUsage;
  }
  auto config = load(*file);
  if (!config) return kUsage;
  if (options.check) {
    print(stdout, config::effective_text(*config));
    return 0;
  }

  daemon::hold_signals();
  auto daemon = daemon::Daemon::create({std::filesystem::absolute(*file), std::move(*config), options.fresh});
  if (!daemon) {
    print(stderr, "gracevisord: " + daemon.error().what);
    return 1;
  }
  (*daemon)->run();
  return 0;
}
