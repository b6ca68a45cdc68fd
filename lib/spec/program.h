// Which file a command's first word means, found before anything is started so that a mistake is reported at
// once. Thread: any; looks at the disk.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gracevisor::spec {

// PATH when none is given.
inline constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// An executable regular file: `name` itself when absolute, below `directory` when it has a slash, otherwise
// the first hit in the colon-separated `path` (whose relative elements also start at `directory`). Symlinks
// are kept: a program may look at the name by which it was called. The error names the file and the cause;
// its code is EPERM if no user can execute the file, and EACCES if this process's user cannot, or cannot see
// it.
[[nodiscard]] base::Expected<std::string> find_program(const std::string& name,
                                                       const std::filesystem::path& directory,
                                                       std::string_view path);

}  // namespace gracevisor::spec
