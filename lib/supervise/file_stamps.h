// Whether files may have changed since they were last looked at: by what stat(2) says of them, and for some
// of the folders that they are in, where files that an include matches appear. A value. Thread: any; blocks
// on the disk.
#pragma once

#include <filesystem>
#include <vector>

#include "base/file_stamp.h"

namespace gracevisor::supervise {

class FileStamps {
 public:
  FileStamps() = default;
  FileStamps(const std::vector<std::filesystem::path>& with_folder,
             const std::vector<std::filesystem::path>& alone);
  bool operator==(const FileStamps&) const = default;

 private:
  [[nodiscard]] static base::FileStamp stamp_of(const std::filesystem::path& path);

  std::vector<base::FileStamp> stamps_;
};

}  // namespace gracevisor::supervise
