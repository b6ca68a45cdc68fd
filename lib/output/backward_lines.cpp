#include "output/backward_lines.h"

#include <algorithm>
#include <utility>

namespace gracevisor::output {

bool BackwardLines::add(std::string_view slice, const OnLine& on_line) {
  // The newline at the file's end ends its last line and begins no other one.
  if (slice.empty()) return true;
  if (!any_ && slice.ends_with('\n')) slice.remove_suffix(1);
  any_ = true;
  for (std::size_t at = slice.rfind('\n'); at != std::string_view::npos; at = slice.rfind('\n')) {
    put_before(slice.substr(at + 1));
    slice = slice.substr(0, at);
    if (!emit(on_line)) return false;
  }
  put_before(slice);
  return true;
}

bool BackwardLines::begin_of_file(const OnLine& on_line) {
  const bool any = std::exchange(any_, false);
  return !any || emit(on_line);
}

void BackwardLines::put_before(std::string_view piece) {
  if (piece.empty()) return;
  const std::size_t kept = std::min(line_.size(), kMost - std::min(kMost, piece.size()));
  cut_ = cut_ || kept < line_.size() || piece.size() > kMost;
  line_.resize(kept);
  line_.insert(0, piece.substr(0, kMost));
}

bool BackwardLines::emit(const OnLine& on_line) {
  const std::string line = std::exchange(line_, {});
  return on_line(line, std::exchange(cut_, false));
}

}  // namespace gracevisor::output
