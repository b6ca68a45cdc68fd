// gvctl upgrade: another daemon takes over. The one that is asked tells how until its last ordinary request
// has ended, even though it is not the daemon any more by then.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>

#include "gvctl/answers.h"
#include "gvctl/commands.h"

namespace gracevisor::gvctl {
namespace {

using control::CallError;
using control::ExitCode;

// The daemon's working directory is another one. Unset: there is none here.
std::optional<std::string> absolute(const std::string& given) {
  std::error_code code;
  std::filesystem::path path = std::filesystem::absolute(given, code);
  if (code) return std::nullopt;
  // What ".." means depends on links.
  if (std::ranges::find(path, "..") == path.end()) path = path.lexically_normal();
  return path.string();
}

}  // namespace

int Commands::upgrade() {
  control::UpgradeOptions options{.to = {},
                                  .wait = line_.wait,
                                  .timeout_ms = static_cast<std::uint64_t>(line_.longest_wait.count()),
                                  .now = line_.now};
  if (line_.to) {
    const auto path = absolute(*line_.to);
    if (!path) return fail(control::Error{"--to: the working directory is gone", ExitCode::usage, {}});
    options.to = *path;
  }
  const std::string body = control::to_json(options);
  if (const auto read = control::read_upgrade_options(body); !read || *read != options) {
    return fail(control::Error{
        "--to: the daemon cannot be told this path: it is too long, or no UTF-8", ExitCode::usage, {}});
  }
  return change({"/v1/upgrade", body, "the upgrade"});
}

// From "serving" on the other daemon has taken over, whatever becomes of the former one.
int Commands::resume_upgrade(const Told& told, const CallError& how) {
  const int former = daemon_.pid;
  if (auto failed = await_next(how, told.served() ? "the former daemon's connections" : "the upgrade")) {
    return *failed;
  }
  const bool took_over = (former != 0 && daemon_.took_over_from == former) ||
                         (told.successor() != 0 && daemon_.pid == told.successor());
  control::ReportLine line;
  if (told.served() || took_over) {
    const std::string pid = former == 0 ? "" : fmt::format(" (pid {})", former);
    line.phase = "done";
    line.text = fmt::format(
        "the upgrade is done; the former daemon{} ended before it said what became of its connections", pid);
    line.exit = code(ExitCode::done);
  } else {
    line.phase = "failed";
    line.text = fmt::format(
        "the upgrade did not happen: the daemon was restarted meanwhile, and gracevisord {} (pid {}) serves: "
        "gvctl logs --daemon",
        daemon_.version, daemon_.pid);
    line.exit = code(ExitCode::failed);
  }
  const int exit = *line.exit;
  tell(std::move(line), "", Among::one);
  return exit;
}

}  // namespace gracevisor::gvctl
