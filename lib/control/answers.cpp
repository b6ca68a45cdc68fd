#include "control/answers.h"

#include <cassert>
#include <utility>

namespace gracevisor::control {
namespace {

constexpr std::string_view kLines = "application/x-ndjson";

}  // namespace

serve::Content content_of(const Error& error) {
  return content_of(error, status_for_exit(error.exit));
}

serve::Content content_of(const Error& error, int status) {
  return {status, kJson, to_json(error) + "\n"};
}

void send_json(serve::Response& response, std::string json) {
  json += '\n';
  response.answer({200, kJson, std::move(json)});
}

void send_error(serve::Response& response, const Error& error) {
  response.answer(content_of(error));
}

void begin_lines(serve::Response& response) {
  response.begin_stream(200, kLines);
}

void send_line(serve::Response& response, std::string json) {
  assert(json.find('\n') == std::string::npos);
  json += '\n';
  response.add(json);
}

}  // namespace gracevisor::control
