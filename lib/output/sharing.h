// Who beside the daemon may read its logs: files are 0640 and folders 0750 whatever the umask, and belong to
// the operators' group where there is one. Only what is created here is touched. Thread: the writer's.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "base/error.h"

namespace gracevisor::output {

class Sharing {
 public:
  Sharing() = default;
  explicit Sharing(std::optional<gid_t> readers) : readers_(readers) {}

  // A file that was just created. What cannot be changed stays as it is: a log is better than none.
  void share(int fd) const noexcept;
  // Creates `path` and what is missing above it.
  [[nodiscard]] base::Expected<void> make_folders(const std::filesystem::path& path) const;

 private:
  std::optional<gid_t> readers_;
};

}  // namespace gracevisor::output
