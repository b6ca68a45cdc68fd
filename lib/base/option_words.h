// What CLI11 says of a command line, in our words; both programs read theirs with it. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace gracevisor::base {

// "--config: 1 required TEXT missing", or "--config: At Most 1 required but received 2".
[[nodiscard]] inline std::string number_of_values(std::string_view what) {
  const std::string name(what.substr(0, what.find(':')));
  return name + (what.contains("received") ? " is given more than once" : " needs a value");
}

}  // namespace gracevisor::base
