#include "supervise/file_stamps.h"

#include <sys/stat.h>

namespace gracevisor::supervise {

FileStamps::FileStamps(const std::vector<std::filesystem::path>& with_folder,
                       const std::vector<std::filesystem::path>& alone) {
  for (const std::filesystem::path& file : with_folder) {
    stamps_.push_back(stamp_of(file));
    stamps_.push_back(stamp_of(file.parent_path()));
  }
  for (const std::filesystem::path& file : alone) stamps_.push_back(stamp_of(file));
}

base::FileStamp FileStamps::stamp_of(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return {};
  return base::stamp_of(status);
}

}  // namespace gracevisor::supervise
