// How the files that an app names are read: as the daemon if no other user can redirect the path, with the
// rights of the app's user if that user can, and not at all if a third user can (base/safe_path.h). Thread:
// the supervisor's; calls block on the disk, and on gv-exec where they need it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/safe_path.h"
#include "spawn/launcher.h"
#include "spawn/plan.h"

namespace gracevisor::spec {

class FileReader {
 public:
  // Makes no trust checks.
  FileReader() = default;
  // `launcher` outlives this; null: nothing is read with another user's rights.
  FileReader(base::PathTrust trust, const spawn::Launcher* launcher)
      : trust_(std::move(trust)), launcher_(launcher) {}

  // The whole content, at most `limit` bytes. `user`: the app's; unset: the daemon's.
  [[nodiscard]] base::Expected<std::string> read(const std::filesystem::path& path, std::uint32_t limit,
                                                 const std::optional<spawn::Credentials>& user) const;

 private:
  base::PathTrust trust_;
  const spawn::Launcher* launcher_ = nullptr;
};

}  // namespace gracevisor::spec
