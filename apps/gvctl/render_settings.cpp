// The settings of an app, and what a check of the files found, for people.
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/commented.h"
#include "gvctl/render.h"
#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

using control::Setting;

// Where the value in force comes from.
std::string origin(const Setting& setting, std::uint64_t generation) {
  if (setting.source == "file") return harmless(setting.place);
  if (setting.source == "scale") return "gvctl scale";
  if (setting.source == "frozen") return generation == 0 ? "frozen" : fmt::format("frozen @{}", generation);
  if (setting.source == "implied") return "follows from other keys";
  return harmless(setting.source);
}

// What the files say instead.
std::string other(const Setting& setting) {
  if (!setting.files) return "";
  const std::string where = setting.place.empty() ? "the files" : harmless(setting.place);
  if (*setting.files == setting.value) {
    return fmt::format("; {} {} another value", where, setting.place.empty() ? "have" : "has");
  }
  if (setting.files->empty()) return "; the files do not set it";
  const std::string_view by = setting.place.empty() ? " (default)" : "";
  return fmt::format("; {} {} {}{}", where, setting.place.empty() ? "have" : "has", harmless(*setting.files),
                     by);
}

}  // namespace

std::string render(const control::Settings& settings) {
  std::string out = settings.generation == 0
                        ? fmt::format("# {}\n", harmless(settings.app))
                        : fmt::format("# {}@{}\n", harmless(settings.app), settings.generation);
  for (const std::string& remark : settings.remarks) out += fmt::format("# {}\n", harmless(remark));
  std::vector<base::CommentedLine> lines;
  std::string_view table;
  for (const Setting& one : settings.settings) {
    if (one.table != table) {
      lines.push_back({""});
      lines.push_back({fmt::format("[{}]", harmless(one.table))});
    }
    table = one.table;
    std::string text = one.value.empty() ? fmt::format("# {} is not set", harmless(one.key))
                                         : fmt::format("{} = {}", harmless(one.key), harmless(one.value));
    lines.push_back({std::move(text), origin(one, settings.generation) + other(one)});
  }
  return out + base::in_columns(lines);
}

std::string render(const control::FileCheck& check) {
  if (!check.ok) return "";
  std::string out = harmless(check.summary) + "\n";
  for (const std::string& line : check.map) out += harmless(line) + "\n";
  return out;
}

std::string render_findings(const control::FileCheck& check) {
  std::string out;
  for (const std::string& line : check.errors) out += harmless(line) + "\n";
  for (const std::string& line : check.warnings) out += "warning: " + harmless(line) + "\n";
  if (!check.ok) out += harmless(check.summary) + "\n";
  return out;
}

}  // namespace gracevisor::gvctl
