// The main file and everything it includes, as trees. Bounded in size, number and depth; reading a file twice
// is an error. Thread: the one that loads.
#pragma once

#include <sys/types.h>

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file_stamp.h"
#include "config/daemon_user.h"
#include "config/tree.h"

namespace gracevisor::config {

inline constexpr std::size_t kMostFileBytes = 1U << 20;
inline constexpr std::size_t kMostFiles = 256;
inline constexpr std::size_t kMostIncludeDepth = 8;

struct File {
  std::string name;  // as messages show it
  Table tree;
  uid_t owner = 0;             // of the main file
  bool of_app_folder = false;  // of daemon.autodiscover: it may define apps, and nothing else
  base::FileStamp stamp = {};  // of such a file, as it was read; all 0: it changed meanwhile
};
using Files = std::deque<File>;  // in reading order: a file before those it includes

[[nodiscard]] Files read_files(const std::filesystem::path& file, const DaemonUser& user, Findings& findings);
[[nodiscard]] Files read_files(std::string_view text, const std::filesystem::path& name,
                               const DaemonUser& user, Findings& findings);

// Of every key in them.
[[nodiscard]] Places places_of(const Files& files);

}  // namespace gracevisor::config
