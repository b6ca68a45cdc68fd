#include "gvctl/live_line.h"

#include <fmt/format.h>

#include <string>

#include "gvctl/table.h"

namespace gracevisor::gvctl {
namespace {

constexpr std::string_view kErase = "\r\x1b[K";
constexpr std::size_t kUsualWidth = 80;

}  // namespace

void LiveLine::show(std::string_view text) {
  if (!possible()) return;
  // A line that fills the last column would wrap on some terminals.
  const std::size_t width = out_.width().value_or(kUsualWidth) - 1;
  shown_ = out_.write(fmt::format("{}{}", kErase, cut(text, width)));
}

void LiveLine::clear() {
  if (shown_) (void)out_.write(kErase);
  shown_ = false;
}

}  // namespace gracevisor::gvctl
