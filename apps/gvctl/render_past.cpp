// The history of an app, and the environment of its processes, for people.
#include <fmt/format.h>

#include <algorithm>

#include "base/user_text.h"
#include "gvctl/render.h"
#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

using control::PastCommand;

std::string giver(const PastCommand& command) {
  return command.uid ? base::user_text(*command.uid) : "daemon";
}

std::string generation(const PastCommand& command) {
  return command.generation == 0 ? "-" : fmt::format("@{}", command.generation);
}

}  // namespace

std::string render(const control::History& history, const Style& style) {
  if (history.commands.empty()) return fmt::format("nothing is kept of {} yet\n", harmless(history.app));
  const auto width = [&](std::string_view head, const auto& text) {
    std::size_t most = head.size();
    for (const PastCommand& one : history.commands) most = std::max(most, harmless(text(one)).size());
    return most;
  };
  const auto verb = [](const PastCommand& one) { return one.verb; };
  const std::size_t generations = width("GEN", generation);
  const std::size_t verbs = width("COMMAND", verb);
  const std::size_t givers = width("BY", giver);
  constexpr std::size_t kTimes = 19;
  std::string out = paint(fmt::format("{:<{}}  {:<{}}  {:<{}}  {:<{}}  RESULT", "WHEN", kTimes, "GEN",
                                      generations, "COMMAND", verbs, "BY", givers),
                          Colour::bold, style) +
                    "\n";
  for (const PastCommand& one : history.commands) {
    const std::string result =
        one.exit == 0 ? harmless(one.text) : fmt::format("exit {}: {}", one.exit, harmless(one.text));
    out += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:<{}}  {}\n", local_time(one.at), kTimes, generation(one),
                       generations, harmless(one.verb), verbs, giver(one), givers,
                       paint(result, one.exit == 0 ? Colour::plain : Colour::red, style));
  }
  return out;
}

std::string render_reports(const control::History& history, const Style& style) {
  std::string out;
  for (const PastCommand& one : history.commands) {
    if (!out.empty()) out += "\n";
    out += paint(fmt::format("{}  {} by {}", local_time(one.at), harmless(one.verb), giver(one)),
                 Colour::bold, style) +
           "\n";
    for (const control::ReportLine& line : one.lines) out += render(line, style);
  }
  return out;
}

std::string render(const control::Environment& environment, const Style& style) {
  std::size_t width = 0;
  for (const auto& one : environment.variables) width = std::max(width, one.source.size());
  std::string out = paint(harmless(environment.instance), Colour::bold, style) + "\n";
  for (const auto& one : environment.variables) {
    const std::string value = one.value ? harmless(*one.value) : fmt::format("*** ({} bytes)", one.size);
    out += fmt::format("{:<{}}  {}={}\n", harmless(one.source), width, harmless(one.name), value);
  }
  return out;
}

std::string render_values(const control::Environment& environment) {
  std::string out;
  for (const auto& one : environment.variables) {
    out += fmt::format("{}={}\n", harmless(one.name), harmless(one.value.value_or("")));
  }
  return out;
}

}  // namespace gracevisor::gvctl
