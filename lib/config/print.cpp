// The texts that show the configuration: all keys with their defaults, and the values in effect, all or
// changed.
#include <fmt/format.h>

#include <algorithm>

#include "base/commented.h"
#include "config/daemon_user.h"
#include "config/describe.h"
#include "config/keys.h"
#include "config/load.h"

namespace gracevisor::config {
namespace {

constexpr std::size_t kCommentColumn = 44;

std::string_view mark(bool later) {
  return later ? "(later) " : "";
}

// Keys aligned, with comments; keys without a default are shown with an example.
void print_documented(std::string& out, const Section& section) {
  std::size_t widest = 0;
  for (const Line& line : section.lines)
    widest = std::max(widest, line.key.name.size() + (line.text.empty() ? 2 : 0));
  out += fmt::format("\n[{}]", section.path);
  out += section.comment.empty() ? "\n" : fmt::format("  # {}{}\n", mark(section.later), section.comment);
  for (const Line& line : section.lines) {
    if (line.text.empty() && line.key.example.empty()) continue;
    std::string shown = line.text.empty()
                            ? fmt::format("# {:<{}} = {}", line.key.name, widest - 2, line.key.example)
                            : fmt::format("{:<{}} = {}", line.key.name, widest, line.text);
    const std::string_view comment = line.key.comment.empty() ? line.kind : line.key.comment;
    out += fmt::format("{:<{}}  # {}{}\n", shown, kCommentColumn, mark(line.later), comment);
  }
  for (const Section& inner : section.sections) print_documented(out, inner);
}

using Lines = std::vector<base::CommentedLine>;

// `places`: null to leave out where values come from.
void add_plain(Lines& lines, const Section& section, const Places* places) {
  if (!section.lines.empty()) {
    lines.push_back({""});
    lines.push_back({fmt::format("[{}]", section.path)});
    for (const Line& line : section.lines) {
      if (line.text.empty()) continue;
      base::CommentedLine& shown = lines.emplace_back(fmt::format("{} = {}", line.key.name, line.text));
      const Source* source = nullptr;
      if (places != nullptr) source = places->find_key(fmt::format("{}.{}", section.path, line.key.name));
      if (source != nullptr) shown.comment = fmt::format("{}:{}", source->file, source->line);
    }
  }
  for (const Section& inner : section.sections) add_plain(lines, inner, places);
}

// What differs from `usual`, which has the same keys unless it has no meaning.
Section without_defaults(Section section, const Section& usual) {
  std::erase_if(section.lines, [&](const Line& line) {
    const auto same =
        std::ranges::find(usual.lines, line.key.name, [](const Line& one) { return one.key.name; });
    return same != usual.lines.end() && same->text == line.text;
  });
  for (std::size_t i = 0; i < section.sections.size(); ++i) {
    section.sections[i] = without_defaults(std::move(section.sections[i]), usual.sections[i]);
  }
  return section;
}

// Calls print(section, section with the defaults) for each table.
template <class Print>
void for_each_table(const Config& config, const Daemon& usual, const Print& print) {
  print(describe("daemon", {}, config.daemon), describe("daemon", {}, usual));
  for (const Listener& listener : config.listeners) {
    // An app's own address has no table.
    if (listener.name.find(':') != std::string::npos) continue;
    print(describe("listen." + listener.name, {}, listener), describe("listen", {}, Listener{}));
  }
  App app_as_usual;
  app_as_usual.routes = {Route{}};  // what an app gets that has none
  for (const App& app : config.apps) {
    print(describe("app." + app.name, {}, app), describe("app", {}, app_as_usual));
  }
}

std::string files_text(const Config& config) {
  std::string out;
  for (const auto& file : config.files) out += "# from " + file.string() + "\n";
  return out;
}

Daemon usual_daemon(const DaemonUser& user) {
  Daemon daemon;
  daemon.runtime_dir = user.runtime_dir;
  daemon.state_dir = user.state_dir;
  return daemon;
}

}  // namespace

std::string defaults_text() {
  std::string out =
      "# Every key with its default. Lines that begin with \"#\" have no default: they are examples.\n"
      "# Durations: \"500ms\", \"10s\", \"5m\", \"1h30m\", \"2d\". Sizes: \"8k\" and \"8KiB\" are 8192 "
      "bytes,\n"
      "# \"8kB\" is 8000. \"(later)\": this version accepts only the value shown.\n"
      "include = []  # such as [\"conf.d/*.toml\"], relative to this file; each may hold any of these "
      "tables\n";
  print_documented(out, describe("daemon", {}, usual_daemon(root_user())));
  print_documented(
      out, describe("listen.public", "a listener that several apps share by host and path", Listener{}));
  print_documented(out, describe("app.web", {}, App{}));
  return out;
}

std::string effective_text(const Config& config) {
  Lines lines;
  for_each_table(config, Daemon{},
                 [&](const Section& table, const Section& /*usual*/) { add_plain(lines, table, nullptr); });
  return files_text(config) + base::in_columns(lines);
}

std::string changed_text(const Loaded& loaded, const DaemonUser& user) {
  Lines lines;
  for_each_table(loaded.config, usual_daemon(user), [&](const Section& table, const Section& usual) {
    add_plain(lines, without_defaults(table, usual), &loaded.config.places);
  });
  return files_text(loaded.config) + base::in_columns(lines);
}

}  // namespace gracevisor::config
