#include "output/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace gracevisor::output {
namespace {

constexpr base::Duration kRetry = std::chrono::seconds(2);
constexpr base::Duration kCheck = std::chrono::seconds(5);
constexpr base::Duration kIdle = std::chrono::seconds(60);
// One whose user keeps an open waiting shall not keep the other files waiting again soon.
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

void Dropped::add(std::string_view text) {
  if (text.empty()) return;
  lines += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  if (text.back() != '\n') ++lines;
  bytes += text.size();
}

LogFile::LogFile(FilePolicy policy, const base::Clock& clock, handoff::Tally& lost, LogWays ways)
    : policy_(std::move(policy)), clock_(clock), lost_(lost), ways_(std::move(ways)), used_at_(clock.now()) {}

void LogFile::append(std::string_view lines, const Dropped& before) {
  used_at_ = clock_.now();
  dropped_.add(before);
  if (!ready()) {
    drop(lines);
    return;
  }
  write_rotating(lines);
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

// Makes the file writable and tells what is missing in it; false while it is degraded.
bool LogFile::ready() {
  base::TimePoint now = clock_.now();
  if (retry_at_) {
    if (now < *retry_at_) return false;
    retry_at_.reset();
    if (!open()) return false;
  } else if (fd_ < 0 || (now - checked_at_ >= kCheck && moved_away())) {
    if (!open()) return false;
  }
  return write_marker();
}

bool LogFile::open() {
  checked_at_ = clock_.now();
  if (policy_.path.empty()) {
    fd_ = STDERR_FILENO;
    regular_ = false;
    return true;
  }
  auto fresh = ways_.opener->open(policy_);
  if (!fresh) {
    bool stays = fresh.error().refused && fd_ >= 0;
    if (stays) {
      tell(fresh.error().error.what);
      return true;
    }
    fd_ = -1;
    degrade(fresh.error().error);
    return false;
  }
  // The old file, if any, is closed only now.
  own_fd_ = std::move(fresh->fd);
  fd_ = own_fd_.get();
  regular_ = fresh->regular;
  size_ = fresh->size;
  torn_ = torn_ && size_ > 0;
  tell({});
  return true;
}

bool LogFile::moved_away() {
  checked_at_ = clock_.now();
  if (policy_.path.empty()) return false;
  struct stat there{};
  struct stat here{};
  if (::fstat(fd_, &here) != 0) return true;
  // Not a link's target: a link in the place is no log. What cannot be looked at stays as it is.
  bool stream = !regular_ && policy_.path.native().starts_with("/dev/");
  int looked = stream ? ::stat(policy_.path.c_str(), &there) : ::lstat(policy_.path.c_str(), &there);
  if (looked != 0) return errno == ENOENT || errno == ENOTDIR;
  // Truncated from outside (copytruncate) is no move, but the size is another.
  if (regular_) size_ = static_cast<std::uint64_t>(here.st_size);
  return here.st_dev != there.st_dev || here.st_ino != there.st_ino;
}

bool LogFile::write_marker() {
  if (dropped_.none()) return true;
  std::string marker = torn_ ? "\n" : "";
  marker +=
      policy_.json
          ? fmt::format("{{\"dropped_lines\":{},\"dropped_bytes\":{}}}\n", dropped_.lines, dropped_.bytes)
          : fmt::format("[gracevisor: {} lines, {} bytes dropped]\n", dropped_.lines, dropped_.bytes);
  std::string_view rest = marker;
  if (!write(rest)) return false;
  dropped_ = {};
  return true;
}

void LogFile::write_rotating(std::string_view lines) {
  while (!lines.empty()) {
    std::size_t fits = lines.size();
    if (regular_ && policy_.max_size > 0) {
      fits = whole_lines(lines, policy_.max_size > size_ ? policy_.max_size - size_ : 0);
      if (fits == 0 && size_ > 0) {
        rotate_now();
        if (degraded()) break;
        // A rotation that failed leaves the file growing: too long a file is better than lost lines.
        if (size_ > 0) fits = lines.size();
      }
      // A line longer than a whole file gets a file of its own.
      if (fits == 0) fits = first_line(lines);
    }
    std::string_view part = lines.substr(0, fits);
    lines.remove_prefix(fits);
    if (!write(part)) {
      drop(part);
      break;
    }
  }
  drop(lines);
}

// Writes all of `lines` and shortens it accordingly; on an error the rest stays in it.
bool LogFile::write(std::string_view& lines) {
  while (!lines.empty()) {
    ssize_t n = ::write(fd_, lines.data(), lines.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      degrade(base::system_error("cannot write " + policy_.path.string(), n < 0 ? errno : EIO));
      return false;
    }
    auto taken = static_cast<std::size_t>(n);
    torn_ = lines[taken - 1] != '\n';
    size_ += taken;
    lines.remove_prefix(taken);
  }
  return true;
}

void LogFile::rotate_now() {
  base::TimePoint now = clock_.now();
  if (now < rotate_from_) return;
  if (auto rotated = ways_.opener->rotate(policy_); !rotated) {
    rotate_from_ = now + kCheck;
    return;
  }
  fd_ = -1;
  (void)open();
}

void LogFile::degrade(const base::Error& cause) {
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
