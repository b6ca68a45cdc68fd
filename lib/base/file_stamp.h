// Whether a file may have changed since it was last looked at: by what stat(2) says of it. A value.
// Thread: any.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace gracevisor::base {

struct FileStamp {
  std::uint64_t device = 0;  // all 0: it cannot be looked at
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t changed_s = 0;  // ctime, which no program sets
  std::int64_t changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

[[nodiscard]] inline FileStamp stamp_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
}

}  // namespace gracevisor::base
