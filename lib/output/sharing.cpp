#include "output/sharing.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "base/file.h"
#include "base/unique_fd.h"

namespace gracevisor::output {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kFolderMode = 0750;

// `path` and the folders above it that are not there, uppermost first.
std::vector<std::filesystem::path> missing(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> folders;
  struct stat st{};
  for (auto folder = path; !folder.empty() && ::lstat(folder.c_str(), &st) != 0;
       folder = folder.parent_path()) {
    folders.insert(folders.begin(), folder);
    if (folder == folder.parent_path()) break;
  }
  return folders;
}

}  // namespace

void Sharing::share(int fd) const noexcept {
  (void)::fchmod(fd, kFileMode);
  if (readers_) (void)::fchown(fd, static_cast<uid_t>(-1), *readers_);
}

base::Expected<void> Sharing::make_folders(const std::filesystem::path& path) const {
  auto created = missing(path);
  if (auto made = base::make_folders(path, kFolderMode); !made) return made;
  for (const auto& folder : created) {
    base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) continue;
    (void)::fchmod(fd.get(), kFolderMode);
    if (readers_) (void)::fchown(fd.get(), static_cast<uid_t>(-1), *readers_);
  }
  return {};
}

}  // namespace gracevisor::output
