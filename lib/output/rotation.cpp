#include "output/rotation.h"

#include <fcntl.h>

#include <cerrno>

#include "base/numbered_files.h"
#include "base/unique_fd.h"

namespace gracevisor::output {

std::filesystem::path old_file(const std::filesystem::path& path, unsigned number) {
  return path.parent_path() / base::old_name(path.filename().string(), number);
}

base::Expected<void> rotate(const std::filesystem::path& path, unsigned keep) {
  auto above = path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
  base::UniqueFd folder(::open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return base::fail_errno("cannot open " + above.string(), errno);
  return base::shift_old_files(folder.get(), path.filename().string(), keep);
}

}  // namespace gracevisor::output
