// A few slices that are written together: a head, content, chunk lines. Holds no bytes itself; the slices
// are valid as long as the bytes they point to. Thread: a value, the owner's.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace gracevisor::proxy {

class Pieces {
 public:
  static constexpr std::size_t kCapacity = 32;
  // The rest is for a head and for the framing of content.
  static constexpr std::size_t kContent = kCapacity - 6;

  // Usually only a few are used: the rest of the array is not touched.
  Pieces() noexcept {}  // NOLINT(modernize-use-equals-default): the union has none
  // Requires: count() < kCapacity.
  void add(std::string_view slice) noexcept {
    assert(count_ < kCapacity);
    std::construct_at(&slices_[count_++], slice);
    bytes_ += slice.size();
  }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::span<const std::string_view> slices() const noexcept { return {slices_.data(), count_}; }

 private:
  union {
    std::array<std::string_view, kCapacity> slices_;
  };
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace gracevisor::proxy
