// The Stream's part of splicing.
#include <array>
#include <cerrno>

#include "loop/stream.h"

namespace gracevisor::loop {
namespace {

// How much is copied when a socket is full, so that the write queue tells when it no longer is.
constexpr std::size_t kCopied = 4096;

}  // namespace

std::optional<std::size_t> Stream::pull(Pipe& pipe, std::size_t most) {
  const ssize_t moved = pipe.pull(descriptor(), most);
  if (moved > 0) return static_cast<std::size_t>(moved);
  if (moved == -EAGAIN || moved == -EINTR) return 0;
  reset_ = reset_ || moved == -ECONNRESET;
  return std::nullopt;
}

WriteResult Stream::push(Pipe& pipe) {
  while (!pipe.empty()) {
    if (broken_) return WriteResult::broken;
    if (queued() > 0) return WriteResult::queued;
    const ssize_t moved = pipe.push(descriptor());
    if (moved > 0) continue;
    reset_ = reset_ || moved == -ECONNRESET;
    // Usually it is full; if not, writing reveals what is wrong.
    std::array<char, kCopied> piece;
    const ssize_t taken = pipe.take(piece.data(), piece.size());
    if (taken <= 0) return WriteResult::broken;
    const std::string_view bytes(piece.data(), static_cast<std::size_t>(taken));
    if (write(bytes) == WriteResult::broken) return WriteResult::broken;
  }
  return queued() == 0 ? WriteResult::done : WriteResult::queued;
}

}  // namespace gracevisor::loop
