// A few slices that are written together: a head, content, chunk lines. Holds no bytes itself; the slices
// live as long as what they point into. Thread: a value, the owner's.
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

  // Usually only a few are used: the rest of the array is not touched.
  Pieces() noexcept {}  // NOLINT(modernize-use-equals-default): the union has none
  // The position of the slice, for replace(). Requires: room() > 0.
  std::size_t add(std::string_view slice) noexcept {
    assert(count_ < kCapacity);
    std::construct_at(&slices_[count_], slice);
    bytes_ += slice.size();
    return count_++;
  }
  // Fills in a slice that was added empty, because what follows it had to be known first.
  void replace(std::size_t position, std::string_view slice) noexcept {
    bytes_ += slice.size() - slices_[position].size();
    slices_[position] = slice;
  }
  [[nodiscard]] std::size_t room() const noexcept { return kCapacity - count_; }
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
