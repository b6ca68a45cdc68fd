#include "gvctl/log_printer.h"

#include <fmt/format.h>

#include <algorithm>

#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

// Wider prefixes are not waited for.
constexpr std::size_t kWidest = 24;

}  // namespace

std::string LogPrinter::prefix(const control::LogLine& line) {
  std::string who = harmless(line.app.empty() ? app_ : line.app);
  if (!line.instance.empty()) who += "@" + harmless(line.instance);
  if (who.empty() || !how_.prefix) return "";
  width_ = how_.terminal ? std::max(width_, std::min(who.size(), kWidest)) : 0;
  const std::string padding(width_ - std::min(width_, who.size()), ' ');
  const bool marked = how_.style.colour && line.stream == "err";
  return paint_as(who, who, how_.style) + padding +
         (marked ? paint("!", Colour::red, how_.style) + " " : "  ");
}

std::string LogPrinter::text(const control::LogLine& line) {
  std::string out = prefix(line);
  if (how_.time) out += (line.time.empty() ? "-" : harmless(line.time)) + "  ";
  out += how_.terminal ? harmless(line.line, Colours::pass) : line.line;
  if (line.cut) out += " [cut here, whole in the log file]";
  return out + "\n";
}

}  // namespace gracevisor::gvctl
