// A pipe of the kernel's, between two connections whose bytes nobody here looks at (splice(2)): Stream::pull
// fills it and Stream::push empties it, and no byte of it comes into this process. Thread: the loop's.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/unique_fd.h"

namespace gracevisor::loop {

class Pipe {
 public:
  // What one holds, at the most: as fast as a mebibyte, and no more than that is kept for a reader who
  // stalls. Where the kernel's limit on a user's pipes grants less, it is less.
  static constexpr std::size_t kCapacity = 262144;

  [[nodiscard]] static base::Expected<std::unique_ptr<Pipe>> create();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() = default;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }  // bytes in it
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // Moves up to `most` bytes that have arrived at a socket in here, or out of here to a socket: the number,
  // or what errno says, negated. Pulling 0: the peer has finished. Requires for pull(): empty().
  [[nodiscard]] ssize_t pull(int socket, std::size_t most) noexcept;
  [[nodiscard]] ssize_t push(int socket) noexcept;
  // Takes bytes out by copying them; the same results.
  [[nodiscard]] ssize_t take(char* bytes, std::size_t most) noexcept;

 private:
  explicit Pipe(base::Pipe ends) noexcept : ends_(std::move(ends)) {}

  base::Pipe ends_;
  std::size_t size_ = 0;
};

// Pipes that are used again and again, so that one costs no system call; a bounded number. Each takes two
// descriptors.
class Pipes {
 public:
  // So many may be out at a time.
  explicit Pipes(std::size_t most) noexcept : most_(most) {}
  // From now on; those that are out stay.
  void allow(std::size_t most) noexcept { most_ = most; }
  // Null where as many are out as may be, or no more descriptors are to be had: bytes are copied then.
  [[nodiscard]] std::unique_ptr<Pipe> take();
  // One that is not empty is closed, and one too many.
  void put(std::unique_ptr<Pipe> pipe) noexcept;

 private:
  static constexpr std::size_t kMostIdle = 8;
  std::size_t most_;
  std::vector<std::unique_ptr<Pipe>> idle_;
  std::size_t out_ = 0;
};

}  // namespace gracevisor::loop
