// What the parts of the control API share: reading what is asked, and refusing it. Thread: the supervisor's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/messages.h"
#include "control/server.h"
#include "decide/app.h"
#include "serve/response.h"

namespace gracevisor::daemon {

void refuse(serve::Response& response, control::ExitCode exit, std::string why,
            std::vector<std::string> details = {});

// The options of a command; unset: they were not understood, and the client was told.
template <class Options>
std::optional<Options> understood(base::Expected<Options> options, serve::Response& response) {
  if (options) return std::move(*options);
  refuse(response, control::ExitCode::usage, options.error().what);
  return std::nullopt;
}

// "43" selects a generation, "43.1" an instance of it, "" all.
[[nodiscard]] base::Expected<decide::Selection> read_selection(std::string_view text);

// Empty if it is not given.
[[nodiscard]] std::string query_value(const control::Request& request, const std::string& name);

}  // namespace gracevisor::daemon
