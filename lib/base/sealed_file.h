// Files in memory (memfd_create(2)), and those that one process hands to another: their content and size can
// no longer change, so that who reads one never waits and never sees half of it. Needs the C++ library alone.
// Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::base {

// An empty one, for this process to write; it can still be sealed. `what`: see seal().
[[nodiscard]] Expected<UniqueFd> memory_file(const char* what);
// All of the bytes, behind what was written before.
[[nodiscard]] Expected<void> write_memory(int fd, std::string_view bytes, const char* what);
// `what`: names the bytes in errors, and their file in /proc. Code E2BIG: more than `most`.
[[nodiscard]] Expected<UniqueFd> seal(std::string_view bytes, const char* what, std::size_t most);
// The whole of it, from the start and regardless of the descriptor's offset. Code E2BIG: more than `most`.
[[nodiscard]] Expected<std::string> read_memory(int fd, const char* what, std::size_t most);
// The same; code EBADF: it is not sealed.
[[nodiscard]] Expected<std::string> read_sealed(int fd, const char* what, std::size_t most);

}  // namespace gracevisor::base
