#include "migrate/sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace gracevisor::migrate {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

// The index of the section of that name, which is added if there is none.
base::Expected<std::size_t> section_named(std::vector<Section>& sections, std::string_view name,
                                          const std::string& file, unsigned line) {
  constexpr std::size_t kMost = 4096;
  if (Section* known = find_section(sections, name)) return static_cast<std::size_t>(known - sections.data());
  if (sections.size() == kMost)
    return base::fail(fmt::format("{}:{}: more than {} sections", file, line, kMost));
  sections.push_back({std::string(name), file, line, {}});
  return sections.size() - 1;
}

// Calls take(line, number) for each line without its end, until that fails.
template <class Take>
base::Expected<void> each_line(std::string_view text, const Take& take) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (unsigned number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto done = take(line, number); !done) return done;
  }
  return {};
}

bool is_blank(char c) {
  return kBlanks.find(c) != std::string_view::npos;
}

std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    bool begins = line[i] == ';' || line[i] == '#';
    if (begins && (i == 0 || is_blank(line[i - 1]))) return line.substr(0, i);
  }
  return line;
}

// Python's configparser, RawConfigParser._read().
class IniReader {
 public:
  IniReader(const std::string& file, std::vector<Section>& sections) : file_(file), sections_(sections) {}

  base::Expected<void> take(std::string_view line, unsigned number) {
    std::string_view value = trimmed(without_comment(line));
    if (value.empty()) return {};
    std::size_t indent = line.find_first_not_of(kBlanks);
    if (in_value_ && indent > indent_) {
      sections_[section_].settings.back().value.append("\n").append(value);
      return {};
    }
    indent_ = indent;
    if (value.starts_with('[') && value.ends_with(']') && value.size() > 2) {
      return begin_section(value.substr(1, value.size() - 2), number);
    }
    auto sign = value.find_first_of("=:");
    if (!in_section_ || sign == std::string_view::npos || sign == 0) {
      return base::fail(fmt::format("{}:{}: expected [section] or key=value", file_, number));
    }
    sections_[section_].settings.push_back({lowered(trimmed(value.substr(0, sign))),
                                            std::string(trimmed(value.substr(sign + 1))), file_, number});
    in_value_ = true;
    return {};
  }

 private:
  base::Expected<void> begin_section(std::string_view name, unsigned number) {
    auto section = section_named(sections_, name, file_, number);
    if (!section) return std::unexpected(section.error());
    section_ = *section;
    in_section_ = true;
    in_value_ = false;
    return {};
  }

  const std::string& file_;
  std::vector<Section>& sections_;
  std::size_t section_ = 0;
  bool in_section_ = false;
  bool in_value_ = false;
  std::size_t indent_ = 0;
};

class UnitReader {
 public:
  UnitReader(const std::string& file, std::vector<Section>& sections) : file_(file), sections_(sections) {}

  base::Expected<void> take(std::string_view line, unsigned number) {
    std::string_view bare = trimmed(line);
    // A comment between joined lines is left out.
    if (bare.starts_with('#') || bare.starts_with(';')) return {};
    if (joined_.empty()) begun_ = number;
    if (bare.ends_with('\\')) {
      joined_.append(bare.substr(0, bare.size() - 1)).append(" ");
      return {};
    }
    joined_.append(bare);
    std::string whole = std::exchange(joined_, {});
    return statement(trimmed(whole));
  }

  base::Expected<void> end() {
    std::string whole = std::exchange(joined_, {});
    return statement(trimmed(whole));
  }

 private:
  base::Expected<void> statement(std::string_view text) {
    if (text.empty()) return {};
    if (text.starts_with('[') && text.ends_with(']')) {
      auto section = section_named(sections_, text.substr(1, text.size() - 2), file_, begun_);
      if (!section) return std::unexpected(section.error());
      section_ = *section;
      return {};
    }
    auto sign = text.find('=');
    if (!section_ || sign == std::string_view::npos || sign == 0) {
      return base::fail(fmt::format("{}:{}: expected [Section] or Key=value", file_, begun_));
    }
    sections_[*section_].settings.push_back({std::string(trimmed(text.substr(0, sign))),
                                             std::string(trimmed(text.substr(sign + 1))), file_, begun_});
    return {};
  }

  const std::string& file_;
  std::vector<Section>& sections_;
  std::optional<std::size_t> section_;
  std::string joined_;
  unsigned begun_ = 1;
};

}  // namespace

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t kLongest = 160;
  if (text.size() <= kLongest) return std::string(text);
  std::size_t end = kLongest;
  // Not in the middle of a UTF-8 sequence.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

std::string Setting::text() const {
  return fmt::format("{}:{}: {}", file, line, shortened(key + "=" + value));
}

std::string Section::text() const {
  return fmt::format("{}:{}: [{}]", file, line, shortened(name));
}

Setting* Section::take(std::string_view key) {
  std::vector<Setting*> all = take_all(key);
  return all.empty() ? nullptr : all.back();
}

Setting* Section::find(std::string_view key) {
  auto last = std::find_if(settings.rbegin(), settings.rend(),
                           [key](const Setting& setting) { return setting.key == key; });
  return last == settings.rend() ? nullptr : &*last;
}

std::vector<Setting*> Section::take_all(std::string_view key) {
  std::vector<Setting*> all;
  for (Setting& setting : settings) {
    if (setting.key != key) continue;
    setting.taken = true;
    all.push_back(&setting);
  }
  return all;
}

Section* find_section(std::vector<Section>& sections, std::string_view name) {
  auto it = std::ranges::find(sections, name, &Section::name);
  return it == sections.end() ? nullptr : &*it;
}

base::Expected<void> read_ini(std::string_view text, const std::string& file,
                              std::vector<Section>& sections) {
  IniReader reader(file, sections);
  return each_line(text, [&](std::string_view line, unsigned number) { return reader.take(line, number); });
}

base::Expected<void> read_unit(std::string_view text, const std::string& file,
                               std::vector<Section>& sections) {
  UnitReader reader(file, sections);
  auto done =
      each_line(text, [&](std::string_view line, unsigned number) { return reader.take(line, number); });
  return done ? reader.end() : done;
}

}  // namespace gracevisor::migrate
