// A kernel pipe between two connections whose bytes we do not look at (splice(2)): Stream::pull fills it and
// Stream::push empties it, and the bytes never enter this process. Thread: the loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace gracevisor::loop {

class Pipe {
 public:
  // The most that one pipe holds. This is as fast as a mebibyte, but a stalled reader ties up less. A pipe
  // holds less if the kernel's limit on a user's pipes does not allow more.
  static constexpr std::size_t kCapacity = 262144;

  [[nodiscard]] static base::Expected<std::unique_ptr<Pipe>> create();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() = default;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }  // bytes it holds
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // pull() moves up to `most` bytes that have arrived at a socket into the pipe; push() moves bytes out of
  // the pipe to a socket. Both return the number of bytes, or the negated errno value. 0 from pull(): the
  // peer has finished. pull() requires empty().
  [[nodiscard]] ssize_t pull(int socket, std::size_t most) noexcept;
  [[nodiscard]] ssize_t push(int socket) noexcept;
  // Takes bytes out by copying them; same results.
  [[nodiscard]] ssize_t take(char* bytes, std::size_t most) noexcept;

 private:
  explicit Pipe(base::Pipe ends) noexcept : ends_(std::move(ends)) {}

  base::Pipe ends_;
  std::size_t size_ = 0;
};

// A bounded pool of reusable pipes, so that getting one costs no system call. Each uses two descriptors.
class Pipes {
 public:
  // At most this many may be in use at a time; pipes that lay idle when the limit was lowered still may be.
  explicit Pipes(std::size_t most) noexcept : most_(most) {}
  // Changes the limit; pipes that exist already, in use or idle, are not affected.
  void allow(std::size_t most) noexcept { most_ = most; }
  // Null if the limit is reached or no descriptors are left: bytes are copied then.
  [[nodiscard]] std::unique_ptr<Pipe> take();
  // A pipe that is not empty is closed, and so is one beyond kMostIdle.
  void put(std::unique_ptr<Pipe> pipe) noexcept;

 private:
  static constexpr std::size_t kMostIdle = 8;
  std::size_t most_;
  std::vector<std::unique_ptr<Pipe>> idle_;
  std::size_t out_ = 0;
};

}  // namespace gracevisor::loop
