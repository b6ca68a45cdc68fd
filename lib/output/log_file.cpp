#include "output/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "output/backward_lines.h"
#include "output/log_end.h"

namespace gracevisor::output {
namespace {

constexpr base::Duration kRetry = std::chrono::seconds(2);
constexpr base::Duration kCheck = std::chrono::seconds(5);
constexpr base::Duration kIdle = std::chrono::seconds(60);
// How long an append may wait for the reader of a pipe.
constexpr base::Duration kReader = std::chrono::milliseconds(100);
// How far the rest of a line that has begun in a file may make it exceed its size.
constexpr std::uint64_t kLongLine = 1ULL << 20;
// A file whose user makes open() hang must not make the other files wait again soon.
constexpr base::Duration kRetryLate = std::chrono::seconds(60);

// The longest prefix of whole lines that fits into `room` bytes; 0 when not even the first line fits.
std::size_t whole_lines(std::string_view lines, std::uint64_t room) {
  if (lines.size() <= room) return lines.size();
  if (room == 0) return 0;
  auto end = lines.rfind('\n', static_cast<std::size_t>(room) - 1);
  return end == std::string_view::npos ? 0 : end + 1;
}

std::size_t first_line(std::string_view lines) {
  auto end = lines.find('\n');
  return end == std::string_view::npos ? lines.size() : end + 1;
}

}  // namespace

LogFile::LogFile(FilePolicy policy, const base::Clock& clock, handoff::Tally& lost, LogWays ways,
                 std::optional<Seam> left)
    : policy_(std::move(policy)),
      clock_(clock),
      lost_(lost),
      ways_(std::move(ways)),
      seam_(left.value_or(Seam())),
      is_ours_(left.has_value()),
      used_at_(clock.now()) {}

void LogFile::append(std::string_view lines, const Dropped& before, Source first, Source last) {
  used_at_ = clock_.now();
  patience_ends_ = std::chrono::steady_clock::now() + kReader;
  dropped_.add(before);
  std::string_view glue;
  bool can_write = ready();
  if (can_write && !lines.empty()) glue = seam_.in_front_of(first);
  if (!can_write || !write(glue, first)) {
    drop(lines);
    return;
  }
  write_rotating(lines, last);
}

void LogFile::reopen() {
  retry_at_.reset();
  if (open()) (void)write_marker();
}

void LogFile::tick() {
  if (retry_at_ || !dropped_.none()) (void)ready();
}

bool LogFile::idle() const {
  return dropped_.none() && !retry_at_ && clock_.now() - used_at_ >= kIdle;
}

// Makes the file writable and notes what is missing in it; false while it is degraded.
bool LogFile::ready() {
  base::TimePoint now = clock_.now();
  if (retry_at_) {
    if (now < *retry_at_) return false;
    retry_at_.reset();
    if (!open()) return false;
  } else if (!fd_ || (now - checked_at_ >= kCheck && moved_away())) {
    if (!open()) return false;
  }
  return write_marker();
}

bool LogFile::open() {
  checked_at_ = clock_.now();
  auto fresh = ways_.opener->open(policy_);
  if (!fresh) {
    if (fresh.error().refused && fd_) {
      tell(fresh.error().error.what);
      return true;
    }
    fd_.reset();
    degrade(fresh.error().error);
    return false;
  }
  // The old file, if any, is closed only now.
  fd_ = std::move(fresh->fd);
  regular_ = fresh->regular;
  size_ = fresh->size;
  if (size_ == 0) seam_.reset();
  tell({});
  return std::exchange(is_ours_, true) || !regular_ || size_ == 0 || end_what_was_left();
}

// What cannot be read is taken for whole.
bool LogFile::end_what_was_left() {
  auto fd = ways_.opener->open_to_read(policy_, 0);
  if (!fd) return true;
  char last = '\n';
  if (::pread(fd->get(), &last, 1, static_cast<off_t>(size_ - 1)) == 1 && last != '\n') seam_.was_left_torn();
  if (!policy_.records) return true;
  std::string ends = open_ends(fd->get());
  if (ends.empty()) return true;
  ends.insert(0, seam_.in_front_of({}));
  std::string_view rest = ends;
  return write(rest, {});
}

std::string LogFile::open_ends(int fd) const {
  OpenLines open;
  BackwardLines lines;
  const auto on_line = [&open](std::string_view line, bool cut) {
    open.add(line, cut);
    return true;
  };
  std::string slice;
  std::uint64_t looked_at = 0;
  while (looked_at < size_ && looked_at < OpenLines::kMostLookedAt &&
         (looked_at < OpenLines::kLookedAt || !open.any())) {
    slice.resize(std::min<std::uint64_t>(size_ - looked_at, OpenLines::kLookedAt));
    looked_at += slice.size();
    // Truncated meanwhile, or unreadable: then nothing is known of it.
    const ssize_t got = ::pread(fd, slice.data(), slice.size(), static_cast<off_t>(size_ - looked_at));
    if (got != static_cast<ssize_t>(slice.size())) return {};
    (void)lines.add(slice, on_line);  // all of it is wanted
  }
  if (looked_at == size_) (void)lines.begin_of_file(on_line);
  return open.ends(std::chrono::system_clock::now());
}

bool LogFile::moved_away() {
  checked_at_ = clock_.now();
  struct stat there{};
  struct stat here{};
  if (::fstat(fd_.get(), &here) != 0) return true;
  // Does not follow a link: a link at the path is not a log. If it cannot be examined, nothing changes.
  bool stream = !regular_ && policy_.path.native().starts_with("/dev/");
  int looked = stream ? ::stat(policy_.path.c_str(), &there) : ::lstat(policy_.path.c_str(), &there);
  if (looked != 0) return errno == ENOENT || errno == ENOTDIR;
  // Truncation from outside (copytruncate) is not a move, but the size has changed.
  if (regular_) size_ = static_cast<std::uint64_t>(here.st_size);
  return here.st_dev != there.st_dev || here.st_ino != there.st_ino;
}

bool LogFile::write_marker() {
  if (dropped_.none()) return true;
  std::string marker(seam_.in_front_of({}));
  marker += dropped_.marker(policy_.json);
  std::string_view rest = marker;
  if (!write(rest, {})) return false;
  dropped_ = {};
  return true;
}

// How much of `lines`, which are not empty, goes into the file as it is now; 0: nothing.
std::size_t LogFile::fitting(std::string_view lines) {
  if (!regular_ || policy_.max_size == 0) return lines.size();
  std::uint64_t room = policy_.max_size > size_ ? policy_.max_size - size_ : 0;
  if (!seam_.torn()) return whole_lines(lines, room);
  // A line that has begun here should end here.
  return static_cast<std::size_t>(std::min<std::uint64_t>(first_line(lines), room + kLongLine));
}

void LogFile::write_rotating(std::string_view lines, Source whose) {
  while (!lines.empty()) {
    std::size_t fits = fitting(lines);
    bool too_long = seam_.torn() && size_ >= policy_.max_size + kLongLine;
    if (regular_ && policy_.max_size > 0 && size_ > 0 && (fits == 0 || too_long)) {
      rotate_now();
      if (degraded()) break;
      // After a failed rotation the file keeps growing: a file that is too long is better than lost lines.
      if (size_ > 0) fits = lines.size();
    }
    // A line longer than a whole file gets a file of its own.
    if (fits == 0) fits = first_line(lines);
    std::string_view part = lines.substr(0, fits);
    lines.remove_prefix(fits);
    if (!write(part, whose)) {
      drop(part);
      break;
    }
  }
  drop(lines);
}

// Writes `lines` and removes what was written from it; on an error the rest stays in it.
bool LogFile::write(std::string_view& lines, Source whose) {
  while (!lines.empty()) {
    ssize_t n = ::write(fd_.get(), lines.data(), lines.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN && wait_for_reader()) continue;
    if (n <= 0) {
      degrade(base::system_error("cannot write " + policy_.path.string(), n < 0 ? errno : EIO));
      return false;
    }
    auto taken = static_cast<std::size_t>(n);
    seam_.wrote(lines.substr(0, taken), whose);
    size_ += taken;
    lines.remove_prefix(taken);
  }
  return true;
}

// For a full FIFO: its reader may just be a little slow.
bool LogFile::wait_for_reader() const {
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(patience_ends_ -
                                                                    std::chrono::steady_clock::now());
  if (left.count() <= 0) return false;
  pollfd writable{fd_.get(), POLLOUT, 0};
  int ready = ::poll(&writable, 1, static_cast<int>(left.count()));
  return ready > 0 || (ready < 0 && errno == EINTR);
}

void LogFile::rotate_now() {
  base::TimePoint now = clock_.now();
  if (now < rotate_from_) return;
  if (auto rotated = ways_.opener->rotate(policy_); !rotated) {
    rotate_from_ = now + kCheck;
    return;
  }
  fd_.reset();
  (void)open();
  if (ways_.rotated) ways_.rotated(policy_.path);
}

void LogFile::degrade(const base::Error& cause) {
  error_ = cause.code;
  retry_at_ = clock_.now() + (cause.code == ETIMEDOUT ? kRetryLate : kRetry);
  tell(cause.what);
}

void LogFile::tell(const std::string& cause) {
  if (cause == told_) return;
  told_ = cause;
  if (ways_.tell) ways_.tell(policy_.path.string(), cause);
}

void LogFile::drop(std::string_view lines) {
  Dropped gone;
  gone.add(lines);
  dropped_.add(gone);
  lost_.add(gone.lines);
}

}  // namespace gracevisor::output
