#include "decide/slow_stream_hints.h"

#include <fmt/format.h>

#include <utility>

namespace gracevisor::decide {
namespace {
constexpr base::Duration kPause = std::chrono::hours(1);
}  // namespace

std::optional<std::string> SlowStreamHints::take_line(base::AppId app, const std::string& name,
                                                      std::uint64_t count, base::TimePoint now) {
  Page& page = pages_[app];
  if (std::exchange(page.seen, count) == count) return std::nullopt;
  if (page.told && now - *page.told < kPause) return std::nullopt;
  page.told = now;
  return fmt::format(
      "slow-stream app={} cause=\"a request in chunks has not ended within 5 s, and no instance has it yet\" "
      "hint=\"proxy_options.request_buffer = 0 for an app that answers while it reads\"",
      name);
}

}  // namespace gracevisor::decide
