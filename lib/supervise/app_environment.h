// What the processes of an app get as their environment, and where each variable comes from. Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spec/spec.h"

namespace gracevisor::supervise {

struct Variable {
  enum class Source : std::uint8_t {
    environment,       // the key of the configuration
    environment_file,  // one of the files that it names
    user,              // the user as whom the app runs
    daemon,            // the environment with which the daemon was started
    gracevisor,        // where the instance is to listen, and what it is
  };
  std::string name;
  std::string value;
  Source source{};

  // May the value be a secret? An author of the configuration chose it.
  [[nodiscard]] bool secret() const {
    return source == Source::environment || source == Source::environment_file;
  }
};
// "environment_file"
[[nodiscard]] std::string_view text(Variable::Source source);

struct AppEnvironment {
  std::string instance;  // "web@43.1"
  std::vector<Variable> variables;
};
// In the order of their names. `placement`: where the instance is.
[[nodiscard]] base::Expected<AppEnvironment> environment_of(const spec::Spec& spec,
                                                            const spec::Placement& placement);

}  // namespace gracevisor::supervise
