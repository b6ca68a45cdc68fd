#include "config/header_texts.h"

#include <algorithm>
#include <cctype>

namespace gracevisor::config {
namespace {

bool token_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

}  // namespace

bool is_header_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), token_character);
}

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

void read_headers(Reading& reading, const Item& item, std::string_view example,
                  const std::function<std::optional<std::string_view>(const std::string& name)>& objection,
                  std::vector<std::pair<std::string, std::string>>& headers) {
  const Table* table = reading.table(item, "a table such as " + std::string(example));
  if (table == nullptr) return;
  for (const Entry& entry : *table) {
    const Item header{item.path + "." + key_text(entry.key), entry.value};
    if (auto why = objection(entry.key)) {
      reading.error(entry.source, header.path, std::string(*why));
      continue;
    }
    auto text = reading.text(header);
    if (!text) continue;
    if (is_header_value(*text)) {
      headers.emplace_back(entry.key, std::move(*text));
    } else {
      reading.error(header, "a header's value is one line without control characters");
    }
  }
}

}  // namespace gracevisor::config
