#include "config/read_table.h"

#include <fmt/format.h>

#include "base/nearest.h"
#include "config/foreign.h"

namespace gracevisor::config {

std::string unknown_key(std::string_view table, std::string_view key,
                        const std::vector<std::string_view>& known) {
  if (auto ours = our_key(table, key); !ours.empty()) {
    return fmt::format("unknown key (here it is {})", ours);
  }
  if (auto near = base::nearest(key, known); !near.empty()) {
    return fmt::format(R"(unknown key (did you mean "{}"?))", near);
  }
  return fmt::format("unknown key (known here: {})", fmt::join(known, ", "));
}

}  // namespace gracevisor::config
