#include "supervise/output_feed.h"

#include <utility>

namespace gracevisor::supervise {

OutputFeed::OutputFeed(OutputFeed&& other) noexcept
    : sink_(std::move(other.sink_)),
      held_(other.held_),
      line_(std::exchange(other.line_, {})),
      loose_(other.loose_) {}

void OutputFeed::add(std::string_view bytes) {
  while (!bytes.empty()) {
    // A waiting line's end is taken separately, so that no line is needlessly handed on in two pieces.
    auto end = line_.empty() ? bytes.rfind('\n') : bytes.find('\n');
    std::string_view piece = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
    bytes.remove_prefix(piece.size());
    if (piece.back() == '\n') {
      finish(piece);
    } else {
      hold(piece);
    }
  }
}

// `piece` ends with a newline.
void OutputFeed::finish(std::string_view piece) {
  if (line_.empty()) {
    sink_(piece);
  } else {
    held_ += piece.size();
    line_ += piece;
    flush();
  }
  loose_ = false;
}

void OutputFeed::hold(std::string_view piece) {
  if (!loose_ && may_wait(piece.size())) {
    line_ += piece;
    held_ += piece.size();
    return;
  }
  flush();
  sink_(piece);
  loose_ = true;
}

void OutputFeed::flush() {
  if (line_.empty()) return;
  held_ -= line_.size();
  sink_(line_);
  line_ = {};
  loose_ = true;
}

std::string OutputFeed::take() {
  held_ -= line_.size();
  return std::exchange(line_, {});
}

bool OutputFeed::may_wait(std::size_t more) const noexcept {
  std::size_t line = line_.size() + more;
  return line <= kSure || (line <= kLongest && held_ + more <= kAll);
}

}  // namespace gracevisor::supervise
