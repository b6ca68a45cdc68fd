// Bytes that one process hands to another: a memfd whose content and size can no longer change, so that who
// reads it never waits and never sees half of it. Needs the C++ library alone. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::base {

// `what`: names the bytes in errors, and their file in /proc. Code E2BIG: more than `most`.
[[nodiscard]] Expected<UniqueFd> seal(std::string_view bytes, const char* what, std::size_t most);
// From the start, regardless of the descriptor's offset. Code EBADF: not sealed; E2BIG: more than `most`.
[[nodiscard]] Expected<std::string> read_sealed(int fd, const char* what, std::size_t most);

}  // namespace gracevisor::base
