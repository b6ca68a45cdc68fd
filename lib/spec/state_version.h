// The versions of a state file's content. Thread: any.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/strong.h"

namespace gracevisor::spec {

inline constexpr std::uint64_t kOldestVersion = 1;  // that is still read
inline constexpr std::uint64_t kVersion = 2;        // that is written

// What can be told of a record that a newer daemon wrote, whatever else it holds.
struct NewerRecord {
  std::uint64_t version = 0;
  std::string app;
  base::GenerationId last_generation;
};
// Fails if it is no such record.
[[nodiscard]] base::Expected<NewerRecord> newer_from_text(const std::string& text);

}  // namespace gracevisor::spec
