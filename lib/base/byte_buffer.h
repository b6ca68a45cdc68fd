// A growing run of bytes with a consumed front: bytes are appended at the end and consumed from the front.
// Thread: the owner's. Views from data() are valid until the next append, consume or clear.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gracevisor::base {

class ByteBuffer {
 public:
  [[nodiscard]] std::string_view data() const noexcept { return std::string_view(bytes_).substr(front_); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - front_; }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  void append(std::string_view more) {
    compact();
    bytes_.append(more);
  }

  // Drops the first `count` bytes; count <= size().
  void consume(std::size_t count) noexcept {
    front_ += count;
    if (front_ == bytes_.size()) clear();
  }

  void clear() noexcept {
    bytes_.clear();
    front_ = 0;
  }

  // Gives the memory back: an idle connection owns no buffer.
  void release() noexcept {
    std::string().swap(bytes_);
    front_ = 0;
  }

 private:
  // Moves the rest to the front once the consumed part is the larger one, so appends stay amortised O(1).
  void compact() {
    if (front_ > 0 && front_ >= bytes_.size() / 2) {
      bytes_.erase(0, front_);
      front_ = 0;
    }
  }

  std::string bytes_;
  std::size_t front_ = 0;
};

}  // namespace gracevisor::base
