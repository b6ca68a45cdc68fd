#include "base/kernel_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

namespace gracevisor::base {

int write_kernel_file(int folder, const char* file, std::string_view text) {
  const UniqueFd opened(::openat(folder, file, O_WRONLY | O_CLOEXEC));
  if (!opened) return errno;
  const ssize_t written = ::write(opened.get(), text.data(), text.size());
  if (written < 0) return errno;
  return written == static_cast<ssize_t>(text.size()) ? 0 : EIO;
}

}  // namespace gracevisor::base
