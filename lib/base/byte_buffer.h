// A growing byte buffer: bytes are appended at the end and consumed from the front. It is one pointer in size
// until something is appended, because there are many connections and they seldom have anything to keep.
// Thread: the owner's. Views from data() are valid until the next append, consume or clear.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace gracevisor::base {

class ByteBuffer {
 public:
  [[nodiscard]] std::string_view data() const noexcept {
    return content_ ? std::string_view(content_->bytes).substr(content_->front) : std::string_view();
  }
  [[nodiscard]] std::size_t size() const noexcept { return data().size(); }
  [[nodiscard]] bool empty() const noexcept { return data().empty(); }

  void append(std::string_view more) {
    if (!content_) content_ = std::make_unique<Content>();
    content_->compact();
    content_->bytes.append(more);
  }

  // Drops the first `count` bytes; count <= size().
  void consume(std::size_t count) noexcept {
    if (count == size()) {
      clear();
    } else {
      content_->front += count;
    }
  }

  void clear() noexcept {
    if (!content_) return;
    content_->bytes.clear();
    content_->front = 0;
  }

  // Frees the memory: an idle connection owns no buffer.
  void release() noexcept { content_.reset(); }

 private:
  struct Content {
    // Moves the rest to the front once the consumed part is the larger, so appends stay amortised O(1).
    void compact() {
      if (front == 0 || front < bytes.size() / 2) return;
      bytes.erase(0, front);
      front = 0;
    }

    std::string bytes;
    std::size_t front = 0;
  };

  std::unique_ptr<Content> content_;
};

}  // namespace gracevisor::base
