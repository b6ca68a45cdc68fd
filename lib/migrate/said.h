// What is said of a key that has no counterpart. Thread: values.
#pragma once

#include <string_view>

namespace gracevisor::migrate {

struct Said {
  std::string_view key;
  std::string_view says;
};

}  // namespace gracevisor::migrate
