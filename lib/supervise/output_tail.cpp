#include "supervise/output_tail.h"

#include <algorithm>
#include <ranges>
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

void OutputTail::end_lines(WallTime now) {
  for (process::OutputStream stream : {process::OutputStream::out, process::OutputStream::err}) {
    std::string& line = unfinished(stream);
    if (!line.empty()) {
      emit(stream, std::exchange(line, {}), false, now);
      continue;
    }
    // What was handed on last may have been a part.
    auto last = std::ranges::find(lines_.rbegin(), lines_.rend(), stream, &OutputLine::stream);
    if (last != lines_.rend()) last->partial = false;
  }
}

void OutputTail::emit(process::OutputStream stream, std::string text, bool partial, WallTime now) {
  OutputLine& line = lines_.emplace_back(OutputLine{now, instance_, stream, std::move(text), partial});
  kept_ += line.text.size() + kPerLine;
  if (on_line_) on_line_(line);
  while (kept_ > kKept) {
    kept_ -= lines_.front().text.size() + kPerLine;
    lines_.pop_front();
    ++let_go_;
  }
}

std::vector<const OutputLine*> OutputTail::last(std::size_t count) const {
  std::vector<const OutputLine*> newest;
  for (const OutputLine& line : lines_ | std::views::drop(lines_.size() - std::min(count, lines_.size()))) {
    newest.push_back(&line);
  }
  return newest;
}

}  // namespace gracevisor::supervise
