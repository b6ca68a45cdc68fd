#include "control/json_reader.h"

#include <algorithm>

namespace gracevisor::control {
namespace {

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

}  // namespace

base::Expected<nlohmann::json> JsonReader::parse(std::string_view text) {
  if (too_deep(text)) return base::fail("JSON nested too deeply");
  nlohmann::json value = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return base::fail("not JSON");
  return value;
}

JsonReader::JsonReader(const nlohmann::json& object, std::string_view what) : object_(object), what_(what) {
  if (!object_.is_object()) fail(what_ + ": not a JSON object");
}

const nlohmann::json* JsonReader::member(const char* name) const {
  if (!object_.is_object()) return nullptr;
  auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void JsonReader::wrong(const char* name, std::string_view wanted) {
  fail(what_ + "." + name + ": not " + std::string(wanted));
}

void JsonReader::fail(std::string what) {
  if (!error_) error_ = base::Error{std::move(what), 0};
}

void JsonReader::read(const char* name, std::string& into) {
  const nlohmann::json* found = member(name);
  if (found == nullptr) return;
  if (const auto* text = found->get_ptr<const std::string*>()) {
    into = *text;
  } else {
    wrong(name, "a string");
  }
}

void JsonReader::read(const char* name, bool& into) {
  const nlohmann::json* found = member(name);
  if (found == nullptr) return;
  if (const auto* value = found->get_ptr<const bool*>()) {
    into = *value;
  } else {
    wrong(name, "true or false");
  }
}

void JsonReader::read(const char* name, std::vector<std::string>& into) {
  const nlohmann::json* found = member(name);
  if (found == nullptr) return;
  auto is_text = [](const nlohmann::json& element) { return element.is_string(); };
  if (!found->is_array() || !std::all_of(found->begin(), found->end(), is_text)) {
    return wrong(name, "an array of strings");
  }
  for (const nlohmann::json& element : *found) into.push_back(*element.get_ptr<const std::string*>());
}

}  // namespace gracevisor::control
