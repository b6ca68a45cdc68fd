// How the supervisor reads the files that an app names, and judges the places of its logs: as the daemon
// where nobody else can bend the path, with the rights of the app's user where that one can, and not at all
// where a third user can (base/safe_path.h). Thread: the supervisor's; calls block on the disk, and on
// gv-exec where they need it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/safe_path.h"
#include "config/config.h"
#include "output/log_opener.h"
#include "spawn/launcher.h"
#include "spawn/plan.h"

namespace gracevisor::supervise {

class FileAccess {
 public:
  // Judges nothing.
  FileAccess() = default;
  // `launcher` outlives this; null: nothing is read with another user's rights.
  FileAccess(base::PathTrust trust, const spawn::Launcher* launcher)
      : trust_(std::move(trust)), launcher_(launcher), opener_(trust_, std::nullopt, launcher) {}

  // The whole content, at most `limit` bytes. `user`: the app's; unset: the daemon's.
  [[nodiscard]] base::Expected<std::string> read(const std::filesystem::path& path, std::uint32_t limit,
                                                 const std::optional<spawn::Credentials>& user) const;
  // Would the app's logs be opened? The error begins with the key: "log.stdout: ...".
  [[nodiscard]] base::Expected<void> check_logs(const config::App& app,
                                                const std::optional<spawn::Credentials>& user) const;
  // The same for the access log and the Unix sockets of a listener, which is no app's.
  [[nodiscard]] base::Expected<void> check(const config::Listener& listener) const;
  [[nodiscard]] base::Expected<void> check_sockets(const config::Listener& listener) const;

 private:
  base::PathTrust trust_;
  const spawn::Launcher* launcher_ = nullptr;
  output::LogOpener opener_;
};

}  // namespace gracevisor::supervise
