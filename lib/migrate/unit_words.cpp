#include "migrate/unit_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "config/words.h"
#include "migrate/sections.h"

namespace gracevisor::migrate {
namespace {

// C's escapes and \s; the backslash is at `at`, which is moved behind the escape. \u and octal numbers are
// rare enough to be an error.
std::optional<char> read_escape(std::string_view text, std::size_t& at) {
  constexpr std::string_view kFrom = "abfnrtvs\\\"' ;";
  constexpr std::string_view kTo = "\a\b\f\n\r\t\v \\\"' ;";
  if (at + 1 >= text.size()) return std::nullopt;
  char c = text[at + 1];
  if (auto known = kFrom.find(c); known != std::string_view::npos) {
    at += 2;
    return kTo[known];
  }
  unsigned value = 0;
  if (c != 'x' || at + 4 > text.size()) return std::nullopt;
  auto [end, error] = std::from_chars(text.data() + at + 2, text.data() + at + 4, value, 16);
  if (error != std::errc() || end != text.data() + at + 4 || value == 0 || value > 0x7f) return std::nullopt;
  at += 4;
  return static_cast<char>(value);
}

// A reference at `at`: its name and length.
struct Reference {
  std::string_view name;
  std::size_t length = 0;
};
std::optional<Reference> reference_at(std::string_view text, std::size_t at) {
  std::string_view rest = text.substr(at);
  if (rest.starts_with("${")) {
    auto end = rest.find('}');
    if (end == std::string_view::npos || end == 2) return std::nullopt;
    return Reference{rest.substr(2, end - 2), end + 1};
  }
  std::size_t end = 1;
  while (end < rest.size() && config::is_name_character(rest[end])) ++end;
  if (!rest.starts_with('$') || end == 1 || at != 0 || end != rest.size())
    return std::nullopt;  // $NAME: a whole word
  return Reference{rest.substr(1), end};
}

const std::string* value_of(const Environment& known, std::string_view name) {
  auto it = known.find(name);
  return it == known.end() ? nullptr : &it->second;
}

// One word as a template, and as the shell would have to be told it.
struct Word {
  std::string plain;
  std::string shell;
  std::string unknown;  // the first variable without a value here
  bool splits = false;  // $NAME alone becomes as many words as its value has
};

Word fill_word(std::string_view text, const Environment& known) {
  Word word;
  std::string literal;
  auto flush = [&] {
    word.plain += as_template(literal);
    if (!literal.empty()) word.shell += shell_quoted(literal);
    literal.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with("$$")) {
      literal += '$';
      at += 2;
      continue;
    }
    auto reference = reference_at(text, at);
    if (!reference) {
      literal += text[at++];
      continue;
    }
    flush();
    word.splits = text[at + 1] != '{';
    at += reference->length;
    const std::string* value = value_of(known, reference->name);
    if (value == nullptr && word.unknown.empty()) word.unknown = reference->name;
    if (value != nullptr && word.plain.size() <= kMostFilled) word.plain += *value;
    word.shell +=
        word.splits ? fmt::format("${}", reference->name) : fmt::format("\"${{{}}}\"", reference->name);
  }
  flush();
  if (word.shell.empty()) word.shell = "''";
  return word;
}

}  // namespace

base::Expected<std::vector<std::string>> read_unit_words(std::string_view text) {
  std::vector<std::string> words;
  std::optional<std::string> word;
  char quote = 0;
  for (std::size_t at = 0; at < text.size();) {
    char c = text[at];
    if (c == '\\') {
      auto escaped = read_escape(text, at);
      if (!escaped) return base::fail(R"(an escape that is not understood: write \\ for a backslash)");
      word = word.value_or("") + *escaped;
      continue;
    }
    ++at;
    if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
      if (!word) word.emplace();
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      if (word) words.push_back(std::move(*word));
      word.reset();
    } else {
      if (!word) word.emplace();
      *word += c;
    }
  }
  if (quote != 0) return base::fail(fmt::format("the quote {} is not closed", quote));
  if (word) words.push_back(std::move(*word));
  return words;
}

base::Expected<std::string> fill_specifiers(std::string_view text, const Specifiers& specifiers) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    char name = text[++at];
    if (name == '%') {
      out += '%';
    } else if (auto value = specifiers.find(name); value != specifiers.end()) {
      out += value->second;
    } else if (std::isalpha(static_cast<unsigned char>(name)) != 0) {
      return base::fail(fmt::format("%{} has no value here: write the value into a copy of the unit", name));
    } else {
      out += '%';
      out += name;
    }
  }
  return out;
}

base::Expected<UnitCommand> fill_variables(const std::vector<std::string>& words, const Environment& known) {
  UnitCommand out;
  std::string line = "exec";
  std::size_t bytes = 0;
  for (const std::string& text : words) {
    Word word = fill_word(text, known);
    bytes += word.plain.size();
    if (bytes > kMostFilled) return base::fail("too long once its variables are filled in");
    if (out.shell_for.empty()) out.shell_for = word.unknown;
    line += " " + word.shell;
    if (!word.splits) {
      out.command.push_back(word.plain);
      continue;
    }
    for (std::string_view rest = trimmed(word.plain); !rest.empty(); rest = trimmed(rest)) {
      std::string_view part = rest.substr(0, rest.find_first_of(" \t\n"));
      out.command.emplace_back(part);
      rest.remove_prefix(part.size());
    }
  }
  if (!out.shell_for.empty()) out.command = {"sh", "-c", as_template(line)};
  return out;
}

std::string shell_quoted(std::string_view text) {
  bool plain = !text.empty() && std::ranges::all_of(text, [](char c) {
    return config::is_name_character(c) || std::string_view("-+./:=@,%").find(c) != std::string_view::npos;
  });
  if (plain) return std::string(text);
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') {
      out += R"('\'')";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::optional<Millis> read_time_span(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"", 1e3},       {"us", 1e-3},      {"usec", 1e-3},    {"ms", 1},        {"msec", 1},
      {"s", 1e3},      {"sec", 1e3},      {"second", 1e3},   {"seconds", 1e3}, {"m", 6e4},
      {"min", 6e4},    {"minute", 6e4},   {"minutes", 6e4},  {"h", 3.6e6},     {"hr", 3.6e6},
      {"hour", 3.6e6}, {"hours", 3.6e6},  {"d", 8.64e7},     {"day", 8.64e7},  {"days", 8.64e7},
      {"w", 6.048e8},  {"week", 6.048e8}, {"weeks", 6.048e8}};
  std::string_view rest = trimmed(text);
  if (rest == "infinity") return Millis::max();
  if (rest.empty()) return std::nullopt;
  double total = 0;
  for (; !rest.empty(); rest = trimmed(rest)) {
    double number = 0;
    auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
    if (error != std::errc() || number < 0) return std::nullopt;
    rest = trimmed(rest.substr(static_cast<std::size_t>(end - rest.data())));
    std::size_t letters = 0;
    while (letters < rest.size() && std::isalpha(static_cast<unsigned char>(rest[letters])) != 0) ++letters;
    const auto* unit =
        std::ranges::find(kUnits, rest.substr(0, letters), &std::pair<std::string_view, double>::first);
    if (unit == std::end(kUnits)) return std::nullopt;
    total += number * unit->second;
    rest.remove_prefix(letters);
  }
  constexpr double kMost = 1e12;
  return total > kMost ? Millis::max() : Millis(static_cast<Millis::rep>(std::llround(total)));
}

}  // namespace gracevisor::migrate
