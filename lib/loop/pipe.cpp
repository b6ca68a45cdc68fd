#include "loop/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <utility>

namespace gracevisor::loop {
namespace {

// For a non-blocking socket and a pipe that must not block either.
ssize_t move(int from, int to, std::size_t most) noexcept {
  const ssize_t moved = ::splice(from, nullptr, to, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  return moved < 0 ? -errno : moved;
}

}  // namespace

base::Expected<std::unique_ptr<Pipe>> Pipe::create() {
  auto ends = base::make_pipe();
  if (!ends) return std::unexpected(ends.error());
  if (auto set = base::set_nonblocking(ends->read_end.get()); !set) return std::unexpected(set.error());
  // If the user has reached the limit of pages in pipes, the default size must suffice.
  (void)::fcntl(ends->write_end.get(), F_SETPIPE_SZ, static_cast<int>(kCapacity));
  return std::unique_ptr<Pipe>(new Pipe(std::move(*ends)));
}

ssize_t Pipe::pull(int socket, std::size_t most) noexcept {
  assert(empty());
  const ssize_t moved = move(socket, ends_.write_end.get(), most);
  if (moved > 0) size_ = static_cast<std::size_t>(moved);
  return moved;
}

ssize_t Pipe::push(int socket) noexcept {
  const ssize_t moved = move(ends_.read_end.get(), socket, size_);
  if (moved > 0) size_ -= static_cast<std::size_t>(moved);
  return moved;
}

ssize_t Pipe::take(char* bytes, std::size_t most) noexcept {
  const ssize_t taken = ::read(ends_.read_end.get(), bytes, most);
  if (taken > 0) size_ -= static_cast<std::size_t>(taken);
  return taken < 0 ? -errno : taken;
}

std::unique_ptr<Pipe> Pipes::take() {
  std::unique_ptr<Pipe> pipe;
  if (!idle_.empty()) {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  } else if (out_ < most_) {
    auto created = Pipe::create();
    if (created) pipe = std::move(*created);
  }
  if (pipe) ++out_;
  return pipe;
}

void Pipes::put(std::unique_ptr<Pipe> pipe) noexcept {
  assert(out_ > 0);
  --out_;
  if (pipe->empty() && idle_.size() < kMostIdle) idle_.push_back(std::move(pipe));
}

}  // namespace gracevisor::loop
