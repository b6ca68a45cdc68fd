#include "decide/last_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/one_line.h"
#include "decide/mentions.h"

namespace gracevisor::decide {
namespace {

constexpr std::size_t kMost = 160;

bool blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

// Stacks are indented, or drawn; and Node says its version last.
bool part_of_stack(std::string_view line) {
  return line.front() == ' ' || line.front() == '\t' || line.starts_with("at ") ||
         line.starts_with("goroutine ") || line.starts_with("Node.js v") || line.starts_with("exit status ");
}

bool says_why(std::string_view line) {
  constexpr std::array<std::string_view, 9> kWords = {
      "error",  "exception",    "panic:", "fatal",         "not found",
      "denied", "no such file", "cannot", "already in use"};
  return std::ranges::any_of(kWords, [&](std::string_view word) { return mentions(line, word); });
}

// Python: `  File "/srv/web.py", line 12, in <module>`: "web.py line 12".
std::optional<std::string> python_place(std::string_view line) {
  constexpr std::string_view kFile = "  File \"";
  constexpr std::string_view kLine = "\", line ";
  const std::size_t end = line.find(kLine);
  if (!line.starts_with(kFile) || end == std::string_view::npos) return std::nullopt;
  const std::string_view file = line.substr(kFile.size(), end - kFile.size());
  const std::string_view rest = line.substr(end + kLine.size());
  const std::string_view number = rest.substr(0, rest.find_first_not_of("0123456789"));
  return fmt::format("{} line {}", base::one_line(file.substr(file.rfind('/') + 1), kMost / 2),
                     base::one_line(number, 10));
}

bool in_library(std::string_view line) {
  constexpr std::array<std::string_view, 5> kLibraries = {"\"<frozen", "/lib/python", "/lib64/python",
                                                          "site-packages/", "dist-packages/"};
  return std::ranges::any_of(
      kLibraries, [&](std::string_view part) { return line.find(part) != std::string_view::npos; });
}

void add_ports(std::string_view text, std::vector<base::Port>& ports) {
  for (std::size_t at = 0; at < text.size();) {
    at = text.find_first_of("0123456789", at);
    if (at == std::string_view::npos) return;
    const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    std::uint16_t number = 0;
    const bool error_number = at >= 6 && mentions(text.substr(at - 6, 6), "errno ");
    const bool whole =
        !error_number && std::from_chars(text.data() + at, text.data() + end, number).ec == std::errc();
    const base::Port port(number);
    if (whole && number >= 10 && std::ranges::find(ports, port) == ports.end()) ports.push_back(port);
    at = end;
  }
}

}  // namespace

std::string last_words(const std::vector<std::string>& lines) {
  const std::string* said = nullptr;
  for (const std::string& line : lines) {
    if (blank(line) || part_of_stack(line)) continue;
    // The last line that says why; without any, the last line.
    if (said == nullptr || says_why(line) || !says_why(*said)) said = &line;
  }
  if (said == nullptr) {
    const auto any = std::find_if_not(lines.rbegin(), lines.rend(), blank);
    return any == lines.rend() ? "" : base::one_line(*any, kMost);
  }
  std::string words = base::one_line(*said, kMost);
  std::optional<std::string> place;  // the innermost of the app's own, else the innermost
  bool own = false;
  for (const std::string& line : lines) {
    if (&line == said) break;
    auto found = python_place(line);
    if (!found || (own && in_library(line))) continue;
    own = !in_library(line);
    place = std::move(found);
  }
  return place ? words + ", " + *place : words;
}

bool tell_why(const std::string& words) {
  return says_why(words);
}

std::vector<base::Port> ports_in_use(const std::vector<std::string>& lines,
                                     const std::vector<std::string>& command) {
  constexpr std::size_t kMostPorts = 16;
  std::vector<base::Port> ports;
  bool said = false;
  for (const std::string& line : lines) {
    if (!mentions(line, "address already in use") && !mentions(line, "eaddrinuse") &&
        !mentions(line, "address in use") && !mentions(line, "port is already")) {
      continue;
    }
    said = true;
    add_ports(line, ports);
  }
  if (!said) return {};
  for (const std::string& word : command) add_ports(word, ports);
  if (ports.size() > kMostPorts) ports.erase(ports.begin() + kMostPorts, ports.end());
  return ports;
}

}  // namespace gracevisor::decide
