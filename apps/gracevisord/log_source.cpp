#include "log_source.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <ranges>
#include <utility>

#include "base/stable_sort.h"

namespace gracevisor::daemon {
namespace {

using output::FileLine;
using output::LogStream;
using supervise::OutputLine;

LogStream stream_of(const OutputLine& line) {
  return line.stream == process::OutputStream::out ? LogStream::out : LogStream::err;
}

bool goes_to(const OutputLine& line, const LogSource::Place& place) {
  return place.stream == LogStream::unknown || place.stream == stream_of(line);
}

// Joins the parts of lines, which come newest first.
class Joiner {
 public:
  explicit Joiner(const output::LogQuery& query) : query_(query) {}

  // False: there are enough.
  bool add(const OutputLine& line) {
    std::vector<const OutputLine*>& parts = open_[{line.instance, stream_of(line)}];
    if (!line.partial) finish(parts);
    parts.push_back(&line);
    return lines_.size() < query_.lines && bytes_ < query_.bytes;
  }
  LogSource::Kept take() {
    const bool cut = bytes_ >= query_.bytes && lines_.size() < query_.lines;
    for (auto& [who, parts] : open_) finish(parts);
    std::ranges::reverse(lines_);  // many have the same time
    base::stable_sort(lines_, [](const FileLine& line) { return *line.time; });
    if (lines_.size() > query_.lines) {
      lines_.erase(lines_.begin(), lines_.end() - static_cast<std::ptrdiff_t>(query_.lines));
    }
    return {std::move(lines_), bytes_, cut};
  }

 private:
  // Newest first.
  void finish(std::vector<const OutputLine*>& parts) {
    if (parts.empty()) return;
    const OutputLine& first = *parts.back();
    FileLine line{first.time, first.instance, stream_of(first), {}};
    for (const auto& part : std::views::reverse(parts)) line.text += part->text;
    const OutputLine& last = *parts.front();
    line.shortened = line.text.size() > output::kMostText ||
                     (last.partial && last.text.size() == supervise::OutputTail::kMaxLine);
    line.text.resize(std::min(line.text.size(), output::kMostText));
    line.parts = parts.size();
    parts.clear();
    if (query_.wants(line.stream) && query_.wants(*line.time) && query_.wants_instance(line.instance) &&
        line.text.find(query_.grep) != std::string::npos) {
      bytes_ += output::LogReader::size_of(line);
      lines_.push_back(std::move(line));
    }
  }

  const output::LogQuery& query_;
  std::map<std::pair<std::string_view, LogStream>, std::vector<const OutputLine*>> open_;
  std::vector<FileLine> lines_;
  std::size_t bytes_ = 0;
};

}  // namespace

bool wants(const output::LogQuery& query, const OutputLine& line) {
  return query.wants(stream_of(line)) && query.wants_instance(line.instance) && query.wants(line.time) &&
         line.text.find(query.grep) != std::string::npos;
}

LogSource::LogSource(std::string app, std::shared_ptr<supervise::AppOutput> output,
                     std::vector<std::string> instances)
    : called_(std::move(app)),
      kind_(output::LogKind::output),
      instances_(std::move(instances)),
      places_(output->places()),
      output_(std::move(output)) {}

LogSource::LogSource(std::string called, const output::FilePolicy& access_log)
    : called_(std::move(called)), kind_(output::LogKind::access), places_{{access_log, LogStream::unknown}} {}

LogSource::LogSource(std::shared_ptr<OwnLog> own)
    : kind_(output::LogKind::daemon), places_{{own->file(), LogStream::unknown}}, own_(std::move(own)) {}

output::LogQuery LogSource::narrowed(output::LogQuery query) const {
  query.instances = instances_;
  return query;
}

void LogSource::visit(const std::function<bool(const OutputLine&)>& visit) const {
  if (output_) output_->visit(visit);
  if (!own_) return;
  const auto& lines = own_->lines().lines();
  (void)std::all_of(lines.rbegin(), lines.rend(), visit);
}

LogSource::Kept LogSource::kept(const output::LogQuery& query, const Place& place) const {
  if (query.lines == 0) return {};
  Joiner joiner(query);
  visit([&](const OutputLine& line) { return !goes_to(line, place) || joiner.add(line); });
  return joiner.take();
}

std::optional<base::WallTime> LogSource::complete_since() const {
  if (output_) return output_->complete_since();
  if (!own_ || !own_->lines().incomplete()) return std::nullopt;
  return own_->lines().lines().empty() ? base::WallTime::max() : own_->lines().lines().front().time;
}

bool LogSource::suffices(const output::LogQuery& query) const {
  if (query.lines == 0) return true;
  if (!output_) return false;
  const auto since = output_->complete_since();
  if (query.since && *query.since >= since) return true;
  std::size_t found = 0;
  visit([&](const OutputLine& line) {
    if (line.time < since) return false;
    if (!line.partial && wants(query, line)) ++found;
    return found < query.lines;
  });
  return found >= query.lines;
}

std::string LogSource::format_key() const {
  return output_ && !output_->writes_records() ? "app." + called_ + ".log.format" : "";
}

LogSource::Following LogSource::follow(OnLine on_line, std::function<void()> on_end) const {
  if (const std::shared_ptr<supervise::AppOutput> output = output_) {
    const std::uint64_t number = output->follow({.line = std::move(on_line), .end = std::move(on_end)});
    return {nullptr, [output, number](void* /*none*/) { output->unfollow(number); }};
  }
  if (own_) {
    const std::uint64_t number = own_->follow(std::move(on_line));
    return {nullptr, [own = own_, number](void* /*none*/) { own->unfollow(number); }};
  }
  on_end();
  return {};
}

}  // namespace gracevisor::daemon
