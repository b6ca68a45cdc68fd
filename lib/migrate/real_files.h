// The files that an importer asks for, from the disk, bounded: what a hostile file can make it read.
// Thread: the one that imports.
#pragma once

#include "migrate/migrate.h"

namespace gracevisor::migrate {

class RealFiles : public Files {
 public:
  static constexpr std::size_t kMostBytes = 1U << 20;  // of one file
  static constexpr std::size_t kMostInAll = 8U << 20;
  static constexpr std::size_t kMostFiles = 256;
  static constexpr std::size_t kMostWild = 3;  // parts of a pattern

  [[nodiscard]] base::Expected<std::string> read(const std::filesystem::path& path) override;
  [[nodiscard]] base::Expected<std::vector<std::filesystem::path>> match(const std::string& pattern) override;

 private:
  std::size_t files_ = 0;
  std::size_t bytes_ = 0;
};

// This machine and the environment of this process.
[[nodiscard]] Host this_host();

}  // namespace gracevisor::migrate
