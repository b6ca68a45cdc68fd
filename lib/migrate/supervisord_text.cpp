// The small languages inside supervisord's values: %(NAME)s and lists of KEY=VALUE.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "migrate/supervisord_program.h"

namespace gracevisor::migrate {
namespace {

// "5" as Python's "%02d" writes it.
base::Expected<std::string> padded(const std::string& value, std::string_view format,
                                   const std::string& where) {
  const bool zeros = format.starts_with('0');
  std::size_t width = 0;
  auto [end, error] = std::from_chars(format.data(), format.data() + format.size(), width);
  if (!format.empty() && (error != std::errc() || end != format.data() + format.size() || width > 64)) {
    return base::fail(where + ": only widths such as %(process_num)02d are understood");
  }
  std::size_t missing = width > value.size() ? width - value.size() : 0;
  return std::string(missing, zeros ? '0' : ' ') + value;
}

std::string missing_name(std::string_view name, const std::string& where) {
  if (name.starts_with("ENV_")) {
    std::string_view variable = name.substr(4);
    return fmt::format(
        "{}: {} is not set here: give it as supervisord has it, {}=... gracevisord --import ...", where,
        variable, variable);
  }
  return fmt::format("{}: %({}) has no value", where, name);
}

}  // namespace

Names Scope::names() const {
  Names names{
      {"here", here}, {"program_name", program}, {"group_name", group}, {"host_node_name", host->name}};
  for (const auto& [name, value] : host->environment) names["ENV_" + name] = value;
  return names;
}

base::Expected<std::string> expand(std::string_view text, const Names& names, const std::string& where) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '%') {
      out += text[at++];
      continue;
    }
    if (text.substr(at).starts_with("%%")) {
      out += '%';
      at += 2;
      continue;
    }
    auto close = text.find(')', at);
    auto kind = close == std::string_view::npos ? close : text.find_first_not_of("0123456789", close + 1);
    bool whole = text.substr(at).starts_with("%(") && kind != std::string_view::npos &&
                 (text[kind] == 's' || text[kind] == 'd');
    if (!whole) return base::fail(where + ": a lone %: supervisord wants %% or %(NAME)s");
    std::string_view name = text.substr(at + 2, close - at - 2);
    auto value = names.find(name);
    if (value == names.end()) return base::fail(missing_name(name, where));
    auto filled = padded(value->second, text.substr(close + 1, kind - close - 1), where);
    if (!filled) return filled;
    out += *filled;
    if (out.size() > kMostFilled) return base::fail(where + ": too long once its names are filled in");
    at = kind + 1;
  }
  return out;
}

base::Expected<std::int64_t> read_integer(const Setting& setting, const Names& names, std::int64_t least,
                                          std::int64_t most) {
  auto text = expand(setting.value, names, setting.text());
  if (!text) return std::unexpected(text.error());
  std::string_view digits = trimmed(*text);
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return base::fail(setting.text() + ": expected a whole number");
  }
  return std::clamp(value, least, most);
}

base::Expected<bool> read_flag(const Setting& setting, const Names& names) {
  auto text = expand(setting.value, names, setting.text());
  if (!text) return std::unexpected(text.error());
  const std::string word = lowered(trimmed(*text));
  for (std::string_view yes : {"yes", "true", "on", "1"}) {
    if (word == yes) return true;
  }
  for (std::string_view no : {"no", "false", "off", "0"}) {
    if (word == no) return false;
  }
  return base::fail(setting.text() + ": expected true or false");
}

base::Expected<std::uint64_t> read_size(const Setting& setting, const Names& names) {
  constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {
      {"kb", 1ULL << 10}, {"mb", 1ULL << 20}, {"gb", 1ULL << 30}};
  auto text = expand(setting.value, names, setting.text());
  if (!text) return std::unexpected(text.error());
  std::string word = lowered(trimmed(*text));
  std::uint64_t unit = 1;
  for (const auto& [suffix, size] : kUnits) {
    if (!word.ends_with(suffix)) continue;
    word.resize(word.size() - suffix.size());
    unit = size;
    break;
  }
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (word.empty() || error != std::errc() || end != word.data() + word.size()) {
    return base::fail(setting.text() + ": expected a size such as 50MB");
  }
  constexpr std::uint64_t kMost = ~0ULL;
  return number > kMost / unit ? kMost : number * unit;
}

base::Expected<Environment> read_pairs(std::string_view text, const std::string& where) {
  Environment out;
  std::string_view rest = trimmed(text);
  while (!rest.empty()) {
    auto sign = rest.find('=');
    if (sign == std::string_view::npos || sign == 0)
      return base::fail(where + ": expected KEY=\"value\" pairs");
    std::string name(trimmed(rest.substr(0, sign)));
    rest = trimmed(rest.substr(sign + 1));
    std::string value;
    // As Python's shlex: in quotes there are no escapes.
    while (!rest.empty() && rest.front() != ',') {
      char quote = rest.front();
      if (quote != '"' && quote != '\'') {
        value += quote;
        rest.remove_prefix(1);
        continue;
      }
      auto end = rest.find(quote, 1);
      if (end == std::string_view::npos)
        return base::fail(fmt::format("{}: the quote {} is not closed", where, quote));
      value += rest.substr(1, end - 1);
      rest.remove_prefix(end + 1);
    }
    out.insert_or_assign(std::move(name), as_template(trimmed(value)));
    if (!rest.empty()) rest = trimmed(rest.substr(1));
  }
  return out;
}

}  // namespace gracevisor::migrate
