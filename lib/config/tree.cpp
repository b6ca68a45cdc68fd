#include "config/tree.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <optional>
#include <tuple>
#include <utility>

#include "config/foreign.h"
#include "config/nesting.h"

namespace gracevisor::config {
namespace {

Source source_of(const toml::source_region& region, const std::string& file) {
  return {file, std::max(1U, static_cast<unsigned>(region.begin.line)),
          std::max(1U, static_cast<unsigned>(region.begin.column))};
}

Value convert(const toml::node& node, const std::string& file);

Table convert_table(const toml::table& table, const std::string& file) {
  Table out;
  out.reserve(table.size());
  for (auto&& [key, node] : table) {
    out.push_back({std::string(key.str()), source_of(key.source(), file), convert(node, file)});
  }
  std::sort(out.begin(), out.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.source.line, a.source.column, a.key) < std::tie(b.source.line, b.source.column, b.key);
  });
  return out;
}

Value convert(const toml::node& node, const std::string& file) {
  Value out;
  out.source = source_of(node.source(), file);
  if (const auto* text = node.as_string()) {
    out.data = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.data = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    out.data = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.data = boolean->get();
  } else if (const auto* array = node.as_array()) {
    Array items;
    items.reserve(array->size());
    for (const toml::node& item : *array) items.push_back(convert(item, file));
    out.data = std::move(items);
  } else if (const auto* table = node.as_table()) {
    out.data = convert_table(*table, file);
  } else {
    out.data = Value::Date{};
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

// A program or an archive named by mistake: where its first NUL stands.
std::optional<Source> binary_at(std::string_view text, const std::string& file) {
  const std::size_t at = text.find('\0');
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = text.substr(0, at);
  const std::size_t line_begin = before.rfind('\n') + 1;  // 0 if there is none
  return Source{file, static_cast<unsigned>(1 + std::ranges::count(before, '\n')),
                static_cast<unsigned>(1 + at - line_begin)};
}

// May the value be a secret? Those of environments and of headers are not repeated.
bool hides_value(std::string_view before, std::string_view key) {
  const std::size_t at = before.rfind("\n[");
  const std::string_view table = before.starts_with('[') && at == std::string_view::npos ? before
                                 : at == std::string_view::npos                          ? std::string_view()
                                                                : before.substr(at + 1);
  for (const std::string_view one : {table.substr(0, table.find('\n')), key}) {
    if (one.contains("environment") || one.contains("headers")) return true;
  }
  // No key of ours has a capital letter; names of variables and fields do.
  return std::ranges::any_of(key, [](unsigned char c) { return std::isupper(c) != 0; });
}

// What TOML calls an error is often a string without quotes: "; put it in quotes: user = "www-data"".
std::string quotes_hint(std::string_view text, unsigned line) {
  const std::string_view whole = text;
  for (unsigned number = 1; number < line && !text.empty(); ++number) {
    text.remove_prefix(std::min(text.size(), text.find('\n') + 1));
  }
  const std::string_view before = whole.substr(0, whole.size() - text.size());
  text = text.substr(0, text.find_first_of("\r\n"));
  auto sign = text.find('=');
  if (sign == std::string_view::npos) return {};
  auto words = [](std::string_view part) {
    auto first = part.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view()
                                           : part.substr(first, part.find_last_not_of(" \t") - first + 1);
  };
  std::string_view value = text.substr(sign + 1);
  value = words(value.substr(0, value.find(" #")));
  bool bare = !value.empty() && (std::isalnum(static_cast<unsigned char>(value[0])) != 0 ||
                                 std::string_view("/.~*:-_@%$").find(value[0]) != std::string_view::npos);
  if (!bare) return {};
  const std::string key = one_line(words(text.substr(0, sign)));
  return "; put it in quotes: " + key + " = " + (hides_value(before, key) ? R"("…")" : quote_briefly(value));
}

// For another program's file.
std::optional<std::string> foreign_hint(std::string_view text, const std::string& file) {
  const auto kind = foreign_content(text);
  if (!kind) return std::nullopt;
  return "this looks like " + std::string(foreign_text(*kind)) + ": gracevisord --import " + one_line(file);
}

std::string syntax_text(std::string_view text, std::string_view description, unsigned line,
                        const std::string& file) {
  if (auto hint = foreign_hint(text, file)) return *hint;
  return one_line(description) + quotes_hint(text, line);
}

}  // namespace

std::string_view kind(const Value& value) {
  static constexpr std::string_view kNames[] = {"string", "integer", "float", "boolean",
                                                "date",   "array",   "table"};
  static_assert(std::size(kNames) == std::variant_size_v<decltype(Value::data)>);
  return kNames[value.data.index()];
}

const Entry* find(const Table& table, std::string_view key) {
  auto it = std::find_if(table.begin(), table.end(), [&](const Entry& entry) { return entry.key == key; });
  return it == table.end() ? nullptr : &*it;
}

Table parse(std::string_view text, const std::string& file, Findings& findings) {
  if (auto source = binary_at(text, file)) {
    findings.error(*source, "this is a NUL byte: a configuration is text, and this file is not");
    return {};
  }
  if (auto trouble = check_nesting(text)) {
    findings.error({file, trouble->line, trouble->column},
                   foreign_hint(text, file).value_or(std::move(trouble->text)));
    return {};
  }
  try {
    return convert_table(toml::parse(text), file);
  } catch (const toml::parse_error& error) {
    Source source = source_of(error.source(), file);
    findings.error(source, syntax_text(text, error.description(), source.line, file));
  } catch (const std::exception& error) {
    findings.error({file, 1, 1}, std::string("cannot be parsed: ") + one_line(error.what()));
  }
  return {};
}

}  // namespace gracevisor::config
