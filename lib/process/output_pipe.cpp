#include "process/output_pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "spawn/launcher.h"

namespace gracevisor::process {
namespace {
constexpr int kCapacity = 1 << 20;
}

base::Expected<std::unique_ptr<OutputPipe>> OutputPipe::create(loop::Loop& loop) {
  std::unique_ptr<OutputPipe> pipe(new OutputPipe(loop));
  if (auto opened = pipe->open(); !opened) return std::unexpected(opened.error());
  return pipe;
}

base::Expected<std::unique_ptr<OutputPipe>> OutputPipe::of(loop::Loop& loop, base::UniqueFd read_end) {
  std::unique_ptr<OutputPipe> pipe(new OutputPipe(loop));
  if (auto watched = pipe->watch(std::move(read_end)); !watched) return std::unexpected(watched.error());
  return pipe;
}

base::Expected<void> OutputPipe::open() {
  auto ends = base::make_pipe();
  if (!ends) return std::unexpected(ends.error());
  // Best effort: an ordinary user's pipes share a quota, and 64 KiB works too.
  (void)::fcntl(ends->write_end.get(), F_SETPIPE_SZ, kCapacity);
  base::UniqueFd both_ways(
      ::open(fmt::format("/proc/self/fd/{}", ends->write_end.get()).c_str(), O_RDWR | O_CLOEXEC));
  if (!both_ways) return base::fail_errno("cannot open a pipe again", errno);
  auto process_end = base::duplicate(both_ways.get(), spawn::kLowestSource);
  if (!process_end) return std::unexpected(process_end.error());
  process_end_ = std::move(*process_end);
  return watch(std::move(ends->read_end));
}

base::Expected<void> OutputPipe::watch(base::UniqueFd read_end) {
  read_end_ = std::move(read_end);
  // O_NONBLOCK belongs to the open file: the process's end stays blocking.
  if (auto set = base::set_nonblocking(read_end_.get()); !set) return set;
  auto watched = loop::FdWatch::create(loop_, read_end_.get(), loop::FdWatch::Interest::readable,
                                       [this] { on_readable(); });
  if (!watched) return std::unexpected(watched.error());
  watch_ = std::move(*watched);
  return {};
}

void OutputPipe::deliver(OnBytes on_bytes, MayRead may_read) {
  on_bytes_ = std::move(on_bytes);
  may_read_ = std::move(may_read);
}

void OutputPipe::on_readable() {
  if (may_read_()) {
    (void)read_some(loop_.read_buffer().size());
    return;
  }
  paused_ = true;
  watch_->pause();
}

void OutputPipe::resume() {
  if (!paused_ || !watch_) return;
  // A pipe that cannot be watched is closed, like one that cannot be read.
  if (watch_->resume()) {
    paused_ = false;
  } else {
    close();
  }
}

// How many bytes came; 0 when none are there or the pipe ended, which closes it.
std::size_t OutputPipe::read_some(std::size_t at_most) {
  auto buffer = loop_.read_buffer();
  ssize_t n = 0;
  do {
    n = ::read(read_end_.get(), buffer.data(), std::min(at_most, buffer.size()));
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN) return 0;
  if (n <= 0) {
    close();
    return 0;
  }
  auto size = static_cast<std::size_t>(n);
  on_bytes_(std::string_view(buffer.data(), size));
  return size;
}

void OutputPipe::drain() {
  int held = 0;
  if (!read_end_ || ::ioctl(read_end_.get(), FIONREAD, &held) != 0) return;
  auto rest = static_cast<std::size_t>(std::max(held, 0));
  while (rest > 0) {
    std::size_t n = read_some(rest);
    if (n == 0) return;
    rest -= n;
  }
}

void OutputPipe::close() {
  watch_.reset();
  read_end_.reset();
}

}  // namespace gracevisor::process
