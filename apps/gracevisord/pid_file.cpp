#include "pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "base/file.h"

namespace gracevisor::daemon {
namespace {

constexpr unsigned kMode = 0644;
constexpr std::size_t kLongest = 32;

std::string content(pid_t keeper) {
  return std::to_string(keeper) + "\n";
}

}  // namespace

base::Expected<PidFile> PidFile::write(const std::filesystem::path& path, pid_t keeper,
                                       const base::PathRules& rules) {
  base::PathRules there = rules;
  there.make_folders = false;
  auto folder = base::hold_folder(path.parent_path(), there);
  if (!folder) return base::fail_at("--pid-file", folder.error().error);
  auto written = base::replace_file(path, content(keeper), kMode, base::Outlives::process);
  if (!written) return base::fail_at("--pid-file", written.error());
  return PidFile(path, keeper);
}

void PidFile::remove() const {
  struct stat st{};
  auto file = base::open_regular(path_, O_NOFOLLOW, st);
  if (!file) return;
  auto text = base::read_all(file->get(), path_.string(), kLongest);
  if (text && *text == content(keeper_)) (void)::unlink(path_.c_str());
}

}  // namespace gracevisor::daemon
