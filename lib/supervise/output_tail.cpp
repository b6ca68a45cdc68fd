#include "supervise/output_tail.h"

#include <algorithm>
#include <utility>

namespace gracevisor::supervise {

OutputTail::OutputTail(std::string instance, OnLine on_line)
    : instance_(std::move(instance)), on_line_(std::move(on_line)) {}

std::string& OutputTail::unfinished(process::OutputStream stream) {
  return unfinished_[stream == process::OutputStream::out ? 0 : 1];
}

void OutputTail::add(process::OutputStream stream, std::string_view bytes, WallTime now) {
  std::string& line = unfinished(stream);
  while (!bytes.empty()) {
    std::size_t end = std::min(bytes.find('\n'), bytes.size());
    std::size_t taken = std::min(end, kMaxLine - line.size());
    line.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (bytes.empty()) return;
    // Either the newline is next, or the line is full and goes on.
    bool whole = bytes.front() == '\n';
    if (whole) bytes.remove_prefix(1);
    emit(stream, std::exchange(line, {}), !whole, now);
  }
}

bool OutputTail::has_unfinished() const noexcept {
  return !unfinished_[0].empty() || !unfinished_[1].empty();
}

void OutputTail::flush(WallTime now) {
  for (process::OutputStream stream : {process::OutputStream::out, process::OutputStream::err}) {
    std::string& line = unfinished(stream);
    if (!line.empty()) emit(stream, std::exchange(line, {}), true, now);
  }
}

void OutputTail::emit(process::OutputStream stream, std::string text, bool partial, WallTime now) {
  OutputLine& line =
      lines_.emplace_back(OutputLine{next_++, now, instance_, stream, std::move(text), partial});
  kept_ += line.text.size() + kPerLine;
  if (on_line_) on_line_(line);
  while (kept_ > kKept) {
    kept_ -= lines_.front().text.size() + kPerLine;
    lines_.pop_front();
  }
}

std::vector<const OutputLine*> OutputTail::last(std::size_t count) const {
  return follow(next_ - std::min(count, lines_.size()), count).lines;
}

OutputTail::Followed OutputTail::follow(std::uint64_t from, std::size_t limit) const {
  std::uint64_t first = next_ - lines_.size();
  // Number 0 is the first line; a number from the future, of another tail, goes on at the present.
  from = std::clamp<std::uint64_t>(from, 1, next_);
  Followed result;
  result.skipped = first > from ? first - from : 0;
  std::uint64_t begin = std::max(from, first);
  std::uint64_t count = std::min<std::uint64_t>(limit, next_ - begin);
  result.next = begin + count;
  result.lines.reserve(static_cast<std::size_t>(count));
  for (std::uint64_t number = begin; number < result.next; ++number) {
    result.lines.push_back(&lines_[static_cast<std::size_t>(number - first)]);
  }
  return result;
}

}  // namespace gracevisor::supervise
