#include "base/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace gracevisor::base {
namespace {

constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

int create_memfd(const char* name) {
  // The flag is needed where vm.memfd_noexec requires it; kernels before 6.3 do not know it.
  constexpr unsigned kNoExecSeal = 0x0008U;
  const int fd = ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | kNoExecSeal);
  if (fd >= 0 || errno != EINVAL) return fd;
  return ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

std::unexpected<Error> failed(const char* doing, const char* what, int code) {
  return fail_errno(std::string("cannot ") + doing + " " + what, code);
}

std::unexpected<Error> too_long(const char* what) {
  return fail_errno(std::string(what) + ": more than is allowed", E2BIG);
}

}  // namespace

Expected<UniqueFd> memory_file(const char* what) {
  UniqueFd file(create_memfd(what));
  if (!file) return failed("create a memfd for", what, errno);
  return file;
}

Expected<void> write_memory(int fd, std::string_view bytes, const char* what) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write", what, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Expected<UniqueFd> seal(std::string_view bytes, const char* what, std::size_t most) {
  if (bytes.size() > most) return too_long(what);
  auto file = memory_file(what);
  if (!file) return file;
  if (auto written = write_memory(file->get(), bytes, what); !written)
    return std::unexpected(written.error());
  if (::fcntl(file->get(), F_ADD_SEALS, kSeals) != 0) return failed("seal", what, errno);
  return file;
}

Expected<std::string> read_sealed(int fd, const char* what, std::size_t most) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kSeals) != kSeals)
    return fail_errno(std::string(what) + ": no sealed memfd", seals < 0 ? errno : EBADF);
  return read_memory(fd, what, most);
}

Expected<std::string> read_memory(int fd, const char* what, std::size_t most) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) return failed("read", what, errno);
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size > most) return too_long(what);
  std::string bytes(size, '\0');
  for (std::size_t done = 0; done < size;) {
    const ssize_t n = ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return failed("read", what, n < 0 ? errno : EIO);
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

}  // namespace gracevisor::base
