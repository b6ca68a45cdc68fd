#include "config/codecs.h"

#include <fmt/format.h>

namespace gracevisor::config {
namespace {

constexpr std::string_view kAuto = R"("auto")";

bool is_auto(const Item& item) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  return text != nullptr && *text == "auto";
}

}  // namespace

std::optional<Millis> Duration::value(Reading& reading, const Item& item) const {
  return reading.duration(item, bounds);
}

std::string Duration::text(const Millis& value) {
  return quote(duration_text(value));
}

std::string Duration::kind() const {
  return fmt::format("a duration, {} to {}", duration_text(bounds.least), duration_text(bounds.most));
}

std::optional<std::uint64_t> Size::value(Reading& reading, const Item& item) const {
  return reading.size(item, bounds);
}

std::string Size::text(const std::uint64_t& value) {
  return quote(size_text(value));
}

std::string Size::kind() const {
  return fmt::format("a size, {} to {}", size_text(bounds.least), size_text(bounds.most));
}

template <class T>
std::optional<T> Whole<T>::value(Reading& reading, const Item& item) const {
  auto number = reading.integer(item, bounds);
  return number ? std::optional(static_cast<T>(*number)) : std::nullopt;
}

template <class T>
std::string Whole<T>::text(const T& value) {
  return std::to_string(value);
}

template <class T>
std::string Whole<T>::kind() const {
  return fmt::format("an integer, {} to {}", bounds.least, bounds.most);
}

template struct Whole<unsigned>;
template struct Whole<int>;

std::optional<bool> Boolean::value(Reading& reading, const Item& item) {
  return reading.boolean(item);
}

std::string Boolean::text(const bool& value) {
  return value ? "true" : "false";
}

std::string Boolean::kind() {
  return "true or false";
}

void DurationOrAuto::read(Reading& reading, const Item& item, std::optional<Millis>& out) const {
  if (is_auto(item)) {
    out = std::nullopt;
  } else if (auto value = reading.duration(item, bounds)) {
    out = *value;
  }
}

std::string DurationOrAuto::text(const std::optional<Millis>& value) {
  return value ? Duration::text(*value) : std::string(kAuto);
}

std::string DurationOrAuto::kind() const {
  return fmt::format("{} or {}", kAuto, Duration{bounds}.kind());
}

void NumberOrAuto::read(Reading& reading, const Item& item, std::optional<unsigned>& out) const {
  if (is_auto(item)) {
    out = std::nullopt;
  } else if (!std::holds_alternative<std::int64_t>(item.value.data)) {
    reading.wrong_type(item, R"("auto" or an integer)");
  } else if (const auto value = Number{bounds}.value(reading, item)) {
    out = value;
  }
}

std::string NumberOrAuto::text(const std::optional<unsigned>& value) {
  return value ? Number::text(*value) : std::string(kAuto);
}

std::string NumberOrAuto::kind() const {
  return fmt::format("{} or {}", kAuto, Number{bounds}.kind());
}

std::string one_of(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i].ends_with(':') ? quote(std::string(words[i]) + "NAME") : quote(words[i]);
  }
  return text;
}

void FixedWord::read(Reading& reading, const Item& item) const {
  std::vector<std::string_view> words = {word};
  words.insert(words.end(), later.begin(), later.end());
  if (auto found = reading.word(item, words); found && *found != 0) reading.not_supported(item);
}

std::string FixedWord::text() const {
  return quote(word);
}

std::string FixedWord::kind() const {
  return quote(word);
}

void Reserved::read(Reading& reading, const Item& item) {
  const auto* value = std::get_if<bool>(&item.value.data);
  if (value == nullptr || *value) reading.not_supported(item);
}

std::string quote_text(const std::string& text) {
  return quote(text);
}

std::string quote_if_set(const std::string& text) {
  return text.empty() ? std::string() : quote(text);
}

std::string quote_optional(const std::optional<std::string>& text) {
  return text ? quote(*text) : std::string();
}

void read_path(Reading& reading, const Item& item, std::filesystem::path& path) {
  if (auto read = reading.path(item)) path = *read;
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

std::string masked_text(const std::vector<std::pair<std::string, std::string>>& items) {
  auto masked = items;
  for (auto& [key, value] : masked) value = "***";
  return map_text(masked);
}

}  // namespace gracevisor::config
