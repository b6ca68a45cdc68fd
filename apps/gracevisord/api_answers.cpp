#include "api_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "control/answers.h"

namespace gracevisor::daemon {
namespace {

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T number = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

}  // namespace

void refuse(serve::Response& response, control::ExitCode exit, std::string why,
            std::vector<std::string> details) {
  control::send_error(response, {std::move(why), exit, std::move(details)});
}

base::Expected<decide::Selection> read_selection(std::string_view text) {
  if (text.empty()) return decide::Selection();
  const std::size_t dot = std::min(text.find('.'), text.size());
  const auto generation = whole_number<std::uint64_t>(text.substr(0, dot));
  const auto slot = dot == text.size() ? std::optional(std::uint32_t{0})
                                       : whole_number<std::uint32_t>(text.substr(dot + 1));
  if (!generation || !slot) {
    return base::fail(fmt::format("\"{}\" names no generation and no instance", text));
  }
  decide::Selection selection{base::GenerationId(*generation), std::nullopt};
  if (dot != text.size()) selection.slot = base::Slot(*slot);
  return selection;
}

std::string query_value(const control::Request& request, const std::string& name) {
  auto it = request.query.find(name);
  return it == request.query.end() ? "" : it->second;
}

}  // namespace gracevisor::daemon
