// A folder of the test's own, removed with everything in it at the end. Thread: any.
#pragma once

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gracevisor::test {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = "/tmp/gv-test-XXXXXX";  // short, because the paths of Unix sockets must be
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  // Creates the folders above it. Keeps the mode of an existing file unless `mode` is given. Returns the full
  // path.
  std::filesystem::path write(std::string_view name, std::string_view content,
                              std::optional<unsigned> mode = {}) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out << content;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + file.string());
    if (mode) std::filesystem::permissions(file, static_cast<std::filesystem::perms>(*mode));
    return file;
  }

 private:
  std::filesystem::path path_;
};

// What can be read of the file; empty when there is none. Reading a file of /proc fails when its process
// ends, and an iterator over the buffer would throw that error.
inline std::string content_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

inline void put_content(const std::filesystem::path& file, std::string_view content) {
  std::ofstream(file, std::ios::binary) << content;
}

}  // namespace gracevisor::test
