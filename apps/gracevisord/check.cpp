#include "check.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/standard_error.h"
#include "config/daemon_user.h"
#include "exit_status.h"
#include "spec/config_check.h"

namespace gracevisor::daemon {
namespace {

// In characters; no limit when no terminal reads.
std::size_t width_of_output() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) {
    return std::numeric_limits<std::size_t>::max();
  }
  return size.ws_col;
}

// At most `width` characters, the last of which then says that there are more.
std::string cut(std::string_view line, std::size_t width) {
  std::size_t characters = 0;
  std::size_t keep = 0;  // bytes of the first width - 1 characters
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xC0U) == 0x80U) continue;
    if (characters == width - 1) keep = i;
    if (++characters > width) return std::string(line.substr(0, keep)) + "…";
  }
  return std::string(line);
}

std::string report_of(const spec::ConfigCheck& check, const Options& options) {
  if (options.print == Options::Print::all) return config::effective_text(check.loaded->config);
  if (options.print == Options::Print::changed) {
    return config::changed_text(*check.loaded, config::current_user());
  }
  const std::size_t width = width_of_output();
  std::string report = check.summary + "\n";
  for (const std::string& line : check.map) report += cut(line, width) + "\n";
  return report;
}

}  // namespace

int check(const std::filesystem::path& file, std::optional<uid_t> owner, const Options& options) {
  const spec::ConfigCheck check = spec::check_config(file, owner);
  if (!check.loaded) {
    base::say_on_standard_error(lines_of(check.errors, "") + check.summary + "\n");
    return kUsage;
  }
  (void)std::fputs(report_of(check, options).c_str(), stdout);
  (void)std::fflush(stdout);
  if (check.warnings.empty()) return 0;
  const std::string verdict = options.strict ? "gracevisord: with --strict, warnings are errors\n" : "";
  base::say_on_standard_error(lines_of(check.warnings, "warning: ") + verdict);
  return options.strict ? kUsage : 0;
}

}  // namespace gracevisor::daemon
