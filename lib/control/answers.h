// How the control API answers: a JSON object and a newline, or a stream of such lines, over serve/response.h.
// Thread: the loop's.
#pragma once

#include <string>
#include <string_view>

#include "control/messages.h"
#include "serve/response.h"

namespace gracevisor::control {

inline constexpr std::string_view kJson = "application/json";

// The error as a whole answer; without `status`, the status is derived from error.exit.
[[nodiscard]] serve::Content content_of(const Error& error);
[[nodiscard]] serve::Content content_of(const Error& error, int status);

// 200 with a message, as returned by to_json().
void send_json(serve::Response& response, std::string json);
void send_error(serve::Response& response, const Error& error);

// 200, application/x-ndjson; lines follow.
void begin_lines(serve::Response& response);
// `json` is one JSON object without a newline in it.
void send_line(serve::Response& response, std::string json);

}  // namespace gracevisor::control
