#include "daemon_folders.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/accounts.h"
#include "base/path_trust.h"
#include "output/sink_socket.h"

namespace gracevisor::daemon {
namespace {

// A folder of the daemon's own: root acts in it, so no other user may.
base::Expected<void> make_folder(const std::filesystem::path& folder, const base::PathRules& rules) {
  auto own = base::own_folder(folder, rules);
  if (!own) return std::unexpected(std::move(own.error().error));
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return base::fail_errno("cannot write to " + folder.string(), errno);
  }
  return {};
}

}  // namespace

bool disk_takes_nothing(int code) {
  return code == EROFS || code == ENOSPC || code == EDQUOT;
}

base::Expected<std::string> make_state_folders(const std::filesystem::path& state_dir,
                                               const base::PathRules& rules) {
  for (const auto& folder : {state_dir, state_dir / "apps", state_dir / "history", state_dir / "log"}) {
    auto made = make_folder(folder, rules);
    if (made) continue;
    if (!disk_takes_nothing(made.error().code)) return std::unexpected(made.error());
    return made.error().what;
  }
  return "";
}

base::Expected<void> make_way(const std::filesystem::path& folder, base::PathRules rules) {
  rules.folder_mode = 0755;
  auto way = base::hold_folder(std::filesystem::absolute(folder).parent_path(), rules);
  if (!way) return std::unexpected(std::move(way.error().error));
  return {};
}

base::PathRules own_rules(const config::Config& config, const control::AccessPolicy& policy) {
  base::PathRules rules;
  rules.trust = base::daemon_trust(config.owner);
  rules.make_folders = true;
  rules.readers = policy.operators;
  return rules;
}

std::shared_ptr<const output::LogOpener> log_opener(base::PathRules rules, const spawn::Launcher* launcher) {
  rules.trust.user_name = nullptr;
  rules.trust.group_name = nullptr;
  return std::make_shared<const output::LogOpener>(rules.trust, rules.readers, launcher);
}

base::Expected<void> check_log_file(const output::FilePolicy& policy, const base::PathRules& rules,
                                    const base::Clock& clock) {
  if (policy.path.empty()) return {};
  auto opener = std::make_shared<const output::LogOpener>(rules.trust, rules.readers, nullptr);
  if (policy.sink != output::SinkKind::file) return output::SinkSocket::check(policy, *opener);
  std::string cause;
  auto note = [&cause](const std::string& /*path*/, const std::string& what) { cause = what; };
  handoff::Tally lost;
  output::LogFile file(policy, clock, lost, {std::move(opener), note});
  file.reopen();
  if (!file.degraded() || file.error() == ENXIO || disk_takes_nothing(file.error())) return {};
  return std::unexpected(
      base::Error{fmt::format("cannot open the log file {}: {}", policy.path.string(), cause), file.error()});
}

base::Expected<std::optional<control::InstanceLock>> lock_state(const std::filesystem::path& state_dir,
                                                                base::UniqueFd held) {
  base::Expected<control::InstanceLock> lock = base::fail("not held");
  if (held) lock = control::InstanceLock::take_over(state_dir, kStateLock, std::move(held));
  if (!lock) lock = control::InstanceLock::acquire(state_dir, kStateLock);
  if (lock) return std::optional(std::move(*lock));
  if (lock.error().code == EROFS) return std::nullopt;
  return std::unexpected(lock.error());
}

}  // namespace gracevisor::daemon
