// gracevisord: a process supervisor and an HTTP load balancer in one program.
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/standard_error.h"
#include "below_keeper.h"
#include "check.h"
#include "config/load.h"
#include "daemon.h"
#include "descriptors.h"
#include "exit_status.h"
#include "import.h"
#include "options.h"
#include "signals.h"

namespace {

using namespace gracevisor;

using daemon::kFailed;
using daemon::kUsage;

void print(const std::string& line) {
  (void)std::fprintf(stdout, "%s\n", line.c_str());
}

// If no one reads, waits only once, and not for long.
void complain(const std::string& lines) {
  if (!lines.empty()) base::say_on_standard_error(lines.ends_with('\n') ? lines : lines + "\n");
}

std::string lines_of(const std::vector<config::Diagnostic>& findings, const std::string& kind) {
  std::string lines;
  for (const config::Diagnostic& finding : findings) lines += kind + finding.line() + "\n";
  return lines;
}

// The checked configuration; every error and warning goes to standard error.
std::optional<config::Config> load(const std::filesystem::path& file, std::optional<uid_t> owner) {
  auto loaded = config::load(file, owner);
  if (!loaded) {
    complain(lines_of(loaded.error(), ""));
    return std::nullopt;
  }
  complain(lines_of(loaded->warnings, "warning: "));
  return std::move(loaded->config);
}

}  // namespace

int main(int argc, char** argv) {
  daemon::ignore_signals();
  daemon::Parsed parsed = daemon::parse_options(argc, argv);
  if (parsed.exit) return *parsed.exit;
  const daemon::Options& options = parsed.options;
  if (options.defaults) {
    print(config::defaults_text());
    return 0;
  }

  if (!options.import.empty()) return daemon::import_file(options);

  std::optional<daemon::Found> found;
  if (!options.check) {
    auto client = keeper::Client::from_environment();
    if (!client) {
      complain("gracevisord: " + daemon::become_keeper(argv).what);
      return kFailed;
    }
    auto met = daemon::meet_keeper(std::move(*client));
    if (!met) {
      complain("gracevisord: " + met.error().what);
      return kFailed;
    }
    found.emplace(std::move(*met));
    daemon::leave_terminal();
  }

  const bool root = ::geteuid() == 0;
  auto file = config::find_file(options.config, root);
  if (!file) {
    complain(
        "gracevisord: no configuration found: name it with -c, or see gracevisord(8) for where it is "
        "looked for");
    if (root && config::find_file(options.config, false)) {
      complain(
          "gracevisord: ./gracevisor.toml is not taken as root unless it is named: -c ./gracevisor.toml");
    }
    return kUsage;
  }
  // A file that was merely found must belong to root or the daemon's user.
  const auto owner = config::is_named(options.config) ? std::nullopt : std::optional(::geteuid());
  if (options.check) return daemon::check(*file, owner, options);
  auto config = load(*file, owner);
  if (!config) return kUsage;

  daemon::hold_signals();
  auto files = daemon::raise_open_files();
  if (!files) {
    complain("gracevisord: " + files.error().what);
    return kFailed;
  }
  if (auto enough = daemon::expect_descriptors(*config, *files, options.fresh); !enough) {
    complain("gracevisord: " + enough.error().what);
    return kUsage;
  }
  auto daemon = daemon::Daemon::create(
      {std::filesystem::absolute(*file), std::move(*config), options.fresh, *files}, std::move(*found));
  if (!daemon) {
    complain("gracevisord: " + daemon.error().what);
    return kFailed;
  }
  return (*daemon)->run();
}
