#include "config/read_table.h"

#include <fmt/format.h>

#include "config/substitute.h"

namespace gracevisor::config {

std::string unknown_key(std::string_view key, const std::vector<std::string_view>& known) {
  if (auto near = nearest(key, known); !near.empty()) {
    return fmt::format(R"(unknown key (did you mean "{}"?))", near);
  }
  return fmt::format("unknown key (known here: {})", fmt::join(known, ", "));
}

}  // namespace gracevisor::config
