// Counts what a program asks of the C library's allocator and of the kernel: a program that links
// counted_memory.cpp and counted_calls.cpp has functions of its own in front of the C library's, which libuv,
// the standard library and operator new find first. A test leaves its own thread out; what remains is the
// worker's. Not for use under sanitizers, which bring such functions of their own.
// Threads: any; the counts are of all threads that were not left out.
#pragma once

#include <cstddef>

namespace gracevisor::test {

// The calling thread is not counted from now on.
void count_others_only() noexcept;
[[nodiscard]] bool counted() noexcept;

// Calls of malloc, calloc, realloc and their aligned kin so far; operator new calls malloc.
[[nodiscard]] std::size_t allocations() noexcept;

// Calls so far that go to the kernel.
struct SystemCalls {
  std::size_t reads = 0;          // read, readv, recv, recvfrom, recvmsg
  std::size_t writes = 0;         // write, writev, send, sendto, sendmsg
  std::size_t waits = 0;          // epoll_wait, epoll_pwait, poll
  std::size_t epoll_changes = 0;  // epoll_ctl
  std::size_t others = 0;         // on descriptors: to open, close, connect, query or configure them
  [[nodiscard]] SystemCalls since(const SystemCalls& before) const noexcept {
    return {reads - before.reads, writes - before.writes, waits - before.waits,
            epoll_changes - before.epoll_changes, others - before.others};
  }
};
[[nodiscard]] SystemCalls system_calls() noexcept;

}  // namespace gracevisor::test
