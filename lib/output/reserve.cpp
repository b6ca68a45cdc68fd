#include "output/reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/unique_fd.h"

namespace gracevisor::output {
namespace {

constexpr std::uint64_t kSize = 1ULL << 20;
// Less would not help a record.
constexpr std::uint64_t kLeast = 16ULL << 10;
constexpr base::Duration kRetryRefill = std::chrono::seconds(10);

// Makes `fd` hold `size` bytes of disk; glibc writes them where the file system cannot reserve.
int allocate(int fd, std::uint64_t size) {
  int code = 0;
  do {
    code = ::posix_fallocate(fd, 0, static_cast<off_t>(size));
  } while (code == EINTR);
  return code;
}

}  // namespace

Reserve::Reserve(const std::filesystem::path& folder, const base::Clock& clock) : clock_(clock) {
  if (!folder.empty()) path_ = folder / "reserve";
}

std::uint64_t Reserve::wanted() const {
  struct statvfs system{};
  if (::statvfs(path_.parent_path().c_str(), &system) != 0) return 0;
  std::uint64_t all = static_cast<std::uint64_t>(system.f_blocks) * system.f_frsize;
  // Some file systems do not say how large they are.
  std::uint64_t size = all == 0 ? kSize : std::min(kSize, all / 100);
  return std::max(size, kLeast);
}

void Reserve::refill() {
  if (path_.empty() || whole_) return;
  tried_at_ = clock_.now();
  std::uint64_t all = wanted();
  base::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd || all == 0) return;
  for (std::uint64_t size = all; size >= kLeast && size > held_; size /= 2) {
    if (allocate(fd.get(), size) == 0) {
      held_ = size;
      whole_ = size == all;
      return;
    }
    // Space that a failed attempt took beyond what was held before is not kept.
    if (::ftruncate(fd.get(), static_cast<off_t>(held_)) != 0) break;
  }
  if (held_ == 0) (void)::unlink(path_.c_str());
}

bool Reserve::give_up() {
  whole_ = false;
  bool any = std::exchange(held_, 0) != 0;
  // The inode is freed as well: a file system may run out of those.
  if (!path_.empty()) any = ::unlink(path_.c_str()) == 0 || any;
  return any;
}

void Reserve::tick() {
  if (!whole_ && clock_.now() - tried_at_ >= kRetryRefill) refill();
}

}  // namespace gracevisor::output
