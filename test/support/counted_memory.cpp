#include <atomic>
#include <cerrno>
#include <cstddef>

#include "support/counting.h"

// What glibc's own names are aliases of.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier)
void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* memory, std::size_t size) noexcept;
void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;
// NOLINTEND(bugprone-reserved-identifier)
}

namespace gracevisor::test {
namespace {
// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): the C library's functions have no place
// for an argument.
std::atomic<std::size_t> allocated{0};
thread_local bool left_out = false;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

void count() noexcept {
  if (!left_out) allocated.fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

void count_others_only() noexcept {
  left_out = true;
}

bool counted() noexcept {
  return !left_out;
}

std::size_t allocations() noexcept {
  return allocated.load();
}

extern "C" {

void* malloc(std::size_t size) noexcept {
  count();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) noexcept {
  count();
  return __libc_calloc(number, size);
}

void* realloc(void* memory, std::size_t size) noexcept {
  count();
  return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  count();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) noexcept {
  count();
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"

}  // namespace gracevisor::test
