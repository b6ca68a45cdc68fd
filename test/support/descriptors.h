// The descriptors that this process has open, to check that none leaks. Thread: any.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iterator>

namespace gracevisor::test {

// The count always includes the one that counting itself opens.
[[nodiscard]] inline std::size_t open_descriptors() {
  std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace gracevisor::test
