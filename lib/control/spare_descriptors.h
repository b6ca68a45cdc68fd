// Descriptors held only to be given up: when the process has no other descriptor left, a client of the
// control socket takes the place of a spare one. Thread: the loop's.
#pragma once

#include <fcntl.h>

#include <cstddef>
#include <vector>

#include "base/unique_fd.h"

namespace gracevisor::control {

class SpareDescriptors {
 public:
  explicit SpareDescriptors(std::size_t most) : most_(most) { refill(); }

  // Opens as many as are available, up to `most`.
  void refill() {
    while (spares_.size() < most_) {
      base::UniqueFd spare(::open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!spare) return;
      spares_.push_back(std::move(spare));
    }
  }
  // False when none is left.
  [[nodiscard]] bool give_up() noexcept {
    if (spares_.empty()) return false;
    spares_.pop_back();
    return true;
  }

 private:
  std::size_t most_;
  std::vector<base::UniqueFd> spares_;
};

}  // namespace gracevisor::control
