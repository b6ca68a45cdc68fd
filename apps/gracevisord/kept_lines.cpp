#include "kept_lines.h"

#include <algorithm>
#include <limits>
#include <ranges>

namespace gracevisor::daemon {
namespace {

using output::FileLine;
using output::LogStream;
using supervise::OutputLine;

LogStream stream_of(const OutputLine& line) {
  return line.stream == process::OutputStream::out ? LogStream::out : LogStream::err;
}

}  // namespace

bool wants(const output::LogQuery& query, const OutputLine& line) {
  return query.wants(stream_of(line), line.instance, line.text, line.time);
}

KeptLines::KeptLines(std::shared_ptr<supervise::AppOutput> output, const OwnLog* own, output::LogQuery query,
                     Place place)
    : output_(std::move(output)), query_(std::move(query)), place_(std::move(place)) {
  if (output_) cursor_.emplace(*output_);
  if (own == nullptr) return;
  // The daemon's own are few enough to be looked at at once.
  query_.lines = query_.bytes = std::numeric_limits<std::size_t>::max();
  const auto& lines = own->lines().lines();
  for (const OutputLine& line : std::views::reverse(lines)) (void)add(line);
}

void KeptLines::limit(std::size_t lines, std::size_t bytes) {
  query_.lines = lines;
  query_.bytes = bytes;
  if (lines == 0) phase_ = Phase::over;
}

bool KeptLines::step() {
  switch (phase_) {
    case Phase::look: look(); break;
    case Phase::sort:
      if (!sort_.step(kStep)) phase_ = Phase::emit;
      break;
    case Phase::emit: emit(); break;
    case Phase::over: break;
  }
  return phase_ != Phase::over;
}

void KeptLines::look() {
  for (std::size_t i = 0; i < kStep; ++i) {
    const OutputLine* line = cursor_ ? cursor_->next() : nullptr;
    if (line == nullptr || !add(*line)) return begin_to_sort();
  }
}

bool KeptLines::add(const OutputLine& line) {
  if (place_.stream != LogStream::unknown && place_.stream != stream_of(line)) return true;
  auto& open = open_[{line.instance, stream_of(line)}];
  if (!line.partial) finish(open);
  if (open) {
    open->time = line.time;
    open->text.insert(0, line.text);
    ++open->parts;
  } else {
    open = FileLine{line.time, line.instance, stream_of(line), line.text};
    open->shortened = line.partial && line.text.size() == supervise::OutputTail::kMaxLine;
  }
  return lines_.size() < query_.lines && found_.bytes < query_.bytes;
}

void KeptLines::finish(std::optional<FileLine>& open) {
  if (!open) return;
  FileLine line = std::move(*open);
  open.reset();
  line.shortened = line.shortened || line.text.size() > output::kMostText;
  line.text.resize(std::min(line.text.size(), output::kMostText));
  if (!query_.wants(line.stream, line.instance, line.text, line.time)) return;
  found_.bytes += output::LogReader::size_of(line);
  lines_.push_back(std::move(line));
}

void KeptLines::begin_to_sort() {
  found_.cut = found_.bytes >= query_.bytes && lines_.size() < query_.lines;
  for (auto& [who, open] : open_) finish(open);
  for (const output::FileLine& line : std::views::reverse(lines_)) sort_.add(*line.time);
  const std::size_t kept = std::min(lines_.size(), query_.lines);
  found_.lines.reserve(kept);
  next_ = lines_.size() - kept;
  phase_ = Phase::sort;
}

void KeptLines::emit() {
  for (std::size_t i = 0; i < kStep && next_ < lines_.size(); ++i, ++next_) {
    found_.lines.push_back(std::move(lines_[lines_.size() - 1 - sort_.items()[next_].place]));
  }
  if (next_ == lines_.size()) phase_ = Phase::over;
}

KeptLines::Found KeptLines::take() {
  return std::move(found_);
}

}  // namespace gracevisor::daemon
