// Whether files may have changed since they were last looked at: by what stat(2) says of them, and for some
// of the folders that they are in, where files that an include matches appear. A value. Thread: any; blocks
// on the disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace gracevisor::supervise {

class FileStamps {
 public:
  FileStamps() = default;
  FileStamps(const std::vector<std::filesystem::path>& with_folder,
             const std::vector<std::filesystem::path>& alone);
  bool operator==(const FileStamps&) const = default;

 private:
  struct Stamp {
    std::uint64_t device = 0;  // all 0: it cannot be looked at
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t changed_s = 0;  // ctime, which no program sets
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  [[nodiscard]] static Stamp stamp_of(const std::filesystem::path& path);

  std::vector<Stamp> stamps_;
};

}  // namespace gracevisor::supervise
