// What a command applies to: `web`, `web@43` (a generation), `web@43.1` (an instance), `'worker-*'` (a
// pattern over the names of apps), `all`. Output uses the same form, so that it can be pasted. Thread:
// values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gracevisor::gvctl {

struct Selector {
  std::string app;  // a name, a pattern with * ? [, or "all"
  std::optional<std::uint64_t> generation;
  std::optional<std::uint64_t> slot;  // only with a generation

  [[nodiscard]] bool whole_app() const noexcept { return !generation; }
  [[nodiscard]] bool names_many() const noexcept;  // a pattern, or all
  // "43.1", "43" or "", as the control API takes it.
  [[nodiscard]] std::string instance() const;
};

[[nodiscard]] base::Expected<Selector> parse_selector(std::string_view text);

// The apps that `selectors` name, each once, in their order; patterns and `all` pick from `known`. A plain
// name stays even if it is not known (the daemon's answer says so); a pattern that matches nothing is an
// error.
[[nodiscard]] base::Expected<std::vector<std::string>> pick_apps(const std::vector<Selector>& selectors,
                                                                 const std::vector<std::string>& known);

}  // namespace gracevisor::gvctl
