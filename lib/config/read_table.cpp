#include "config/field.h"

#include <fmt/format.h>

namespace gracevisor::config {

std::string unknown_key(std::string_view key, const std::vector<std::string_view>& known) {
  if (auto near = nearest(key, known); !near.empty()) {
    return fmt::format(R"(unknown key (did you mean "{}"?))", near);
  }
  return fmt::format("unknown key (known here: {})", fmt::join(known, ", "));
}

void read_fixed_word(Reading& reading, const Item& item, std::string_view word,
                     const std::vector<std::string_view>& reserved) {
  // One valid choice, and the words reserved for later.
  std::vector<std::string_view> words = {word};
  words.insert(words.end(), reserved.begin(), reserved.end());
  if (auto found = reading.word(item, words); found && *found != 0) reading.not_supported(item);
}

std::string list_text(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out += ", ";
    out += quote(item);
  }
  return out + "]";
}

std::string map_text(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "{";
  for (const auto& [key, value] : items) {
    out += fmt::format("{} {} = {}", out.size() > 1 ? "," : "", key_text(key), quote(value));
  }
  return out + (items.empty() ? "}" : " }");
}

}  // namespace gracevisor::config
