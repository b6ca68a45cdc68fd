#include "gvctl/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "gvctl/style.h"
#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

Colour colour_of_phase(std::string_view phase) {
  if (among(phase, {"healthy", "cutover", "serving", "done"})) return Colour::green;
  if (among(phase, {"failed", "cutback", "rolled back", "cause"})) return Colour::red;
  return Colour::plain;
}

// Lines that explain a failure have no time of their own.
bool explains(std::string_view phase) {
  return among(phase, {"cause", "changed", "probe", "system", "next", "output", "drift"});
}

std::string app_report_line(const control::ReportLine& line, const Style& style, bool plan) {
  constexpr int kWidth = 8;
  constexpr int kMomentWidth = 5;
  std::string moment;
  if (!plan) {
    const bool timed = line.at_ms && !line.phase.empty() && !explains(line.phase);
    moment = timed ? fmt::format("{:>{}.1f}s ", static_cast<double>(*line.at_ms) / 1000, kMomentWidth)
                   : std::string(kMomentWidth + 2, ' ');
  }
  std::string app = paint(fmt::format("{:<{}}", harmless(line.app), kWidth), Colour::bold, style);
  std::string phase =
      paint(fmt::format("{:<{}}", harmless(line.phase), kWidth), colour_of_phase(line.phase), style);
  std::string text = fmt::format("{}{} {} {}", moment, app, phase, harmless(line.text));
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

}  // namespace

std::string render(const control::ReportLine& line, const Style& style, Reported reported) {
  std::string text = harmless(line.text);
  std::string phase = harmless(line.phase);
  Colour colour = colour_of_phase(phase);
  if (!line.app.empty()) return app_report_line(line, style, reported == Reported::plan);
  if (phase == "deploy" || phase == "upgrade") {
    return paint(fmt::format("{} {}", phase, text), Colour::bold, style) + "\n";
  }
  if (phase == "done" || phase == "failed") return paint(phase + ":", colour, style) + " " + text + "\n";
  const bool upgrade = reported == Reported::upgrade;
  const int moment_width = upgrade ? 7 : 6;
  const int phase_width = upgrade ? 10 : 8;
  if (phase.empty()) return fmt::format("{:{}}{}\n", "", moment_width + phase_width + 2, text);
  std::string padded = paint(fmt::format("{:<{}}", phase, phase_width), colour, style);
  if (explains(phase) || !line.at_ms) return fmt::format("  {} {}\n", padded, text);
  return fmt::format("{:>{}.{}f}s {} {}\n", static_cast<double>(*line.at_ms) / 1000, moment_width - 1,
                     upgrade ? 2 : 1, padded, text);
}

std::string render(const control::Error& error) {
  std::string out = fmt::format("gvctl: {}\n", harmless(error.error));
  for (const std::string& detail : error.details) out += fmt::format("  {}\n", harmless(detail));
  return out;
}

}  // namespace gracevisor::gvctl
