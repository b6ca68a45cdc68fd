// A block of TCP ports for one test, so that tests that start daemons can run side by side: a block is
// claimed by a lock on a file and given back with the lock, even when the test dies. Thread: the test's.
#pragma once

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace gracevisor::test {

class PortBlock {
 public:
  // Throws when every block is taken.
  PortBlock();

  // A port for a listener, 0 <= index < 8; nothing listens on it when the block is claimed.
  [[nodiscard]] std::uint16_t listener(unsigned index) const;
  // "21008-21023": `count` ports for apps, at most 56.
  [[nodiscard]] std::string app_range(unsigned count = 48) const;

 private:
  base::UniqueFd lock_;
  std::uint16_t first_ = 0;
};

}  // namespace gracevisor::test
