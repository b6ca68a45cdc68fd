// A folder of its own for one test, removed with all that is in it.
#pragma once

#include <filesystem>
#include <string_view>

namespace gracevisor::test {

class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  // Writes PATH/NAME, replacing what was there; the full path.
  std::filesystem::path write(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

// The content of a file; empty when it cannot be read.
[[nodiscard]] std::string read_text(const std::filesystem::path& path);

}  // namespace gracevisor::test
