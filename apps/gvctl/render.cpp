#include "gvctl/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

using control::AppStatus;
using control::InstanceStatus;

enum class Colour { plain, bold, red, green, yellow };

std::string paint(std::string text, Colour colour, const Style& style) {
  if (!style.colour || colour == Colour::plain) return text;
  constexpr std::array<std::string_view, 5> kCodes = {"0", "1", "31", "32", "33"};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes.at(static_cast<std::size_t>(colour)), text);
}

bool among(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

Colour colour_of_state(std::string_view state) {
  if (among(state, {"live", "healthy"})) return Colour::green;
  if (among(state, {"backoff", "crash-loop", "fatal", "failed", "unhealthy", "unkillable"}))
    return Colour::red;
  if (state == "stopped") return Colour::plain;
  return Colour::yellow;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return harmless(out);
}

// Appends " part" if it is not empty.
void add(std::string& line, std::string_view part, std::string_view gap = "  ") {
  if (part.empty()) return;
  line += gap;
  line += part;
}

std::string place_of(const AppStatus& app) {
  std::string place = joined(app.routes);
  if (!app.listens.empty()) place += (place.empty() ? "on " : " on ") + joined(app.listens);
  return place;
}

std::string app_line(const AppStatus& app, std::size_t name_width, const Style& style) {
  std::string line = paint(fmt::format("{:<{}}", harmless(app.name), name_width), Colour::bold, style);
  add(line, paint(harmless(app.state), colour_of_state(app.state), style));
  if (app.generation != 0) add(line, fmt::format("@{}", app.generation), " ");
  if (app.wanted != 0) add(line, fmt::format("{}/{} healthy", app.healthy, app.wanted));
  if (!app.listens.empty()) {
    add(line, fmt::format("{} requests  {} failed", grouped(app.requests), grouped(app.failed)));
  }
  if (app.since_s) add(line, "since " + age(*app.since_s));
  if (app.stopped_uid) {
    std::string ago = app.stopped_s ? fmt::format(", {} ago", age(*app.stopped_s)) : "";
    add(line, fmt::format("stopped by uid {}{}", *app.stopped_uid, ago));
  }
  add(line, place_of(app));
  return line + "\n";
}

struct Widths {
  std::size_t name = 0;
  std::size_t state = 0;
};

std::string instance_line(const InstanceStatus& instance, const Widths& widths, const Style& style) {
  std::string state = fmt::format("{:<{}}", harmless(instance.state), widths.state);
  std::string line = fmt::format("  {:<{}} {}", harmless(instance.name), widths.name,
                                 paint(std::move(state), colour_of_state(instance.state), style));
  if (instance.pid != 0) {
    add(line, fmt::format("pid {}", instance.pid), " ");
    add(line, harmless(instance.endpoint), " ");
    if (instance.uptime_s) add(line, "up " + tight_age(*instance.uptime_s), " ");
    if (!instance.endpoint.empty()) add(line, fmt::format("{} in flight", instance.in_flight), " ");
    if (instance.upgraded > 0) add(line, fmt::format("{} upgraded", instance.upgraded), " ");
    if (instance.rss_bytes != 0) add(line, "rss " + size(instance.rss_bytes), " ");
    add(line, fmt::format("restarts {}", instance.restarts), " ");
    if (instance.probe_ms) add(line, fmt::format("probe {} ms", *instance.probe_ms), " ");
  }
  add(line, harmless(instance.detail), " ");
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

Colour colour_of_phase(std::string_view phase) {
  if (among(phase, {"healthy", "cutover", "done"})) return Colour::green;
  if (among(phase, {"failed", "cutback", "rolled back", "cause"})) return Colour::red;
  return Colour::plain;
}

// Lines that explain a failure have no time of their own.
bool explains(std::string_view phase) {
  return among(phase, {"cause", "changed", "probe", "system", "next", "output"});
}

}  // namespace

std::string render(std::span<const AppStatus> apps, const Style& style) {
  constexpr std::size_t kLeastName = 4;
  std::size_t name_width = kLeastName;
  for (const AppStatus& app : apps) name_width = std::max(name_width, app.name.size());
  std::string out;
  for (const AppStatus& app : apps) {
    out += app_line(app, name_width, style);
    Widths widths;
    for (const InstanceStatus& instance : app.instances) {
      widths.name = std::max(widths.name, instance.name.size());
      widths.state = std::max(widths.state, instance.state.size());
    }
    for (const InstanceStatus& instance : app.instances) out += instance_line(instance, widths, style);
    for (const std::string& problem : app.problems) {
      out += "  " + paint("!", Colour::red, style) + "  " + harmless(problem) + "\n";
    }
  }
  return out;
}

std::string render_problems(std::span<const std::string> problems, const Style& style) {
  std::string out;
  for (const std::string& problem : problems) {
    out += paint("!", Colour::red, style) + "  " + harmless(problem) + "\n";
  }
  return out;
}

std::string render(const control::ReportLine& line, const Style& style) {
  std::string text = harmless(line.text);
  std::string phase = harmless(line.phase);
  Colour colour = colour_of_phase(phase);
  if (phase == "deploy") return paint(fmt::format("deploy {}", text), Colour::bold, style) + "\n";
  if (phase == "done" || phase == "failed") return paint(phase + ":", colour, style) + " " + text + "\n";
  constexpr int kMomentWidth = 6;
  constexpr int kPhaseWidth = 8;
  if (phase.empty()) return fmt::format("{:{}}{}\n", "", kMomentWidth + kPhaseWidth + 2, text);
  std::string padded = paint(fmt::format("{:<{}}", phase, kPhaseWidth), colour, style);
  if (explains(phase) || !line.at_ms) return fmt::format("  {} {}\n", padded, text);
  return fmt::format("{:>{}.1f}s {} {}\n", static_cast<double>(*line.at_ms) / 1000, kMomentWidth - 1, padded,
                     text);
}

std::string render(std::string_view app, const control::LogLine& line, const LogStyle& how) {
  std::string prefix = fmt::format("{}@{}", app, harmless(line.instance));
  Colour colour = line.stream == "err" ? Colour::red : Colour::plain;
  std::string out = paint(std::move(prefix), colour, how.style) + "  ";
  if (how.time) out += harmless(line.time) + "  ";
  // A file or a pipe gets the line as the app wrote it.
  out += how.terminal ? harmless(line.line, Colours::pass) : line.line;
  if (line.cut) out += " [cut here, whole in the log file]";
  return out + "\n";
}

std::string render(const control::Error& error) {
  std::string out = fmt::format("gvctl: {}\n", harmless(error.error));
  for (const std::string& detail : error.details) out += fmt::format("  {}\n", harmless(detail));
  return out;
}

}  // namespace gracevisor::gvctl
