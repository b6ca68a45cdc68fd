// The two texts that show the configuration: all keys with their defaults, and the effective values.
#include <fmt/format.h>

#include <algorithm>

#include "config/describe.h"
#include "config/identity.h"
#include "config/keys.h"
#include "config/load.h"

namespace gracevisor::config {
namespace {

constexpr std::size_t kCommentColumn = 44;

// Keys aligned, with comments; keys without a default are shown with an example.
void print_documented(std::string& out, const Section& section) {
  std::size_t widest = 0;
  for (const Line& line : section.lines)
    widest = std::max(widest, line.key.name.size() + (line.text.empty() ? 2 : 0));
  out += fmt::format("\n[{}]", section.path);
  out += section.comment.empty() ? "\n" : fmt::format("  # {}\n", section.comment);
  for (const Line& line : section.lines) {
    if (line.text.empty() && line.key.example.empty()) continue;
    std::string shown = line.text.empty()
                            ? fmt::format("# {:<{}} = {}", line.key.name, widest - 2, line.key.example)
                            : fmt::format("{:<{}} = {}", line.key.name, widest, line.text);
    out += line.key.comment.empty() ? shown + "\n"
                                    : fmt::format("{:<{}}  # {}\n", shown, kCommentColumn, line.key.comment);
  }
  for (const Section& inner : section.sections) print_documented(out, inner);
}

void print_plain(std::string& out, const Section& section) {
  if (!section.lines.empty()) {
    out += fmt::format("\n[{}]\n", section.path);
    for (const Line& line : section.lines) {
      if (!line.text.empty()) out += fmt::format("{} = {}\n", line.key.name, line.text);
    }
  }
  for (const Section& inner : section.sections) print_plain(out, inner);
}

}  // namespace

std::string defaults_text() {
  Daemon daemon;
  daemon.runtime_dir = root_identity().runtime_dir;
  daemon.state_dir = root_identity().state_dir;
  std::string out =
      "# Every key with its default. Lines that begin with \"#\" have no default: they are examples.\n"
      "# Durations: \"500ms\", \"10s\", \"5m\", \"1h30m\", \"2d\". Sizes: \"8k\" and \"8KiB\" are 8192 "
      "bytes,\n"
      "# \"8kB\" is 8000.\n"
      "include = []  # such as [\"conf.d/*.toml\"], relative to this file; each may hold any of these "
      "tables\n";
  print_documented(out, describe("daemon", {}, daemon));
  print_documented(
      out, describe("listen.public", "a listener that several apps share by host and path", Listener{}));
  print_documented(out, describe("app.web", {}, App{}));
  return out;
}

std::string effective_text(const Config& config) {
  std::string out;
  for (const auto& file : config.files) out += "# from " + file.string() + "\n";
  print_plain(out, describe("daemon", {}, config.daemon));
  for (const Listener& listener : config.listeners) {
    // An app's own address has no table.
    if (listener.name.find(':') != std::string::npos) continue;
    print_plain(out, describe("listen." + listener.name, {}, listener));
  }
  for (const App& app : config.apps) print_plain(out, describe("app." + app.name, {}, app));
  return out;
}

}  // namespace gracevisor::config
