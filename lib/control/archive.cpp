#include "control/archive.h"

namespace gracevisor::control {
namespace {

using Json = MessageReader::Json;

// Text nested deeper than any of our messages is refused before it can make a parser or a destructor recurse
// deeply.
constexpr int kMaxDepth = 16;

bool too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

std::optional<ReportLine::Value> value_of(const Json& json) {
  if (const auto* flag = json.get_ptr<const bool*>()) return *flag;
  if (const auto* text = json.get_ptr<const std::string*>()) return *text;
  if (json.is_number_float()) return json.get<double>();
  std::int64_t number = 0;
  if (base::take_value(json, number)) return number;
  return std::nullopt;  // nested or too large: such members come from a newer version
}

}  // namespace

base::Expected<Json> MessageReader::parse(std::string_view text) {
  if (too_deep(text)) return base::fail("JSON nested too deeply");
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return base::fail("not JSON");
  return value;
}

const Json* MessageReader::find(std::string_view name) const {
  if (!json_.is_object()) return nullptr;
  auto found = json_.find(name);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

void MessageReader::wrong(std::string_view name, std::string_view wanted) {
  fail(called_ + "." + std::string(name) + ": not " + std::string(wanted));
}

void MessageReader::fail(std::string what) {
  if (!error_) error_ = base::Error{std::move(what), 0};
}

void MessageReader::take(std::string_view name, const Json& json, bool& into) {
  if (!base::take_value(json, into)) wrong(name, "true or false");
}

void MessageReader::take(std::string_view name, const Json& json, double& into) {
  if (json.is_number()) {
    into = json.get<double>();
  } else {
    wrong(name, "a number");
  }
}

void MessageReader::take(std::string_view name, const Json& json, std::string& into) {
  if (const auto* text = json.get_ptr<const std::string*>()) {
    into = *text;
  } else {
    wrong(name, "a string");
  }
}

void MessageReader::take(std::string_view name, const Json& json, ExitCode& into) {
  std::uint8_t code = 0;  // what a process can exit with
  take(name, json, code);
  // Nothing exits with the code of a message that is wrong so far.
  if (!error_) into = static_cast<ExitCode>(code);
}

void MessageReader::take(std::string_view name, const Json& json, std::vector<std::string>& into) {
  auto is_text = [](const Json& element) { return element.is_string(); };
  if (!json.is_array() || !std::ranges::all_of(json, is_text)) return wrong(name, "an array of strings");
  for (const Json& element : json) into.push_back(*element.get_ptr<const std::string*>());
}

void MessageReader::take_further(const std::vector<std::string_view>& own, ReportLine::Fields& into) {
  for (const auto& [name, member] : json_.items()) {
    if (std::ranges::find(own, name) != own.end()) continue;
    if (auto value = value_of(member)) into.emplace_back(name, std::move(*value));
  }
}

}  // namespace gracevisor::control
