// How large a message may be. The values here are the defaults of the configuration's keys, and apply where
// there is no key (health probes, the control API). Thread: any; values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gracevisor::http {

struct HeadLimits {
  std::size_t target = 8192;  // 414
  std::size_t head = 32768;   // 431
  unsigned fields = 100;      // 431
  std::size_t field = 16384;  // 431
  // Targets may contain bytes that RFC 9112 section 3.2 forbids, except controls, space, DEL and "#"; if
  // false, 400.
  bool targets_as_sent = true;
};

struct BodyLimits {
  std::uint64_t content = UINT64_MAX;  // too large beyond it; no chunk is larger than 2 GiB either
  std::uint64_t extensions = 8192;     // bytes of chunk extensions in total; 256 in one chunk
  std::uint64_t trailers = 8192;       // bytes, in at most 16 lines
};

}  // namespace gracevisor::http
