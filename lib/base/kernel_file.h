// Files that the kernel makes up, of /proc and of cgroups: each write is one order. Thread: any.
#pragma once

#include <string_view>

namespace gracevisor::base {

// `file` is in `folder`, or if that is AT_FDCWD where the path leads. 0, or an errno: EIO if a part was
// taken.
[[nodiscard]] int write_kernel_file(int folder, const char* file, std::string_view text);

}  // namespace gracevisor::base
