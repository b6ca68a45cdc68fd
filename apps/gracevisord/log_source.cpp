#include "log_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace gracevisor::daemon {
namespace {

using output::LogStream;
using supervise::OutputLine;

// So many lines of memory are looked at to find out whether the files are needed.
constexpr int kMostLookedAt = 4096;

}  // namespace

LogSource::LogSource(std::string app, std::shared_ptr<supervise::AppOutput> output,
                     std::vector<std::string> instances)
    : called_(std::move(app)),
      kind_(output::LogKind::output),
      instances_(std::move(instances)),
      places_(output->places()),
      output_(std::move(output)) {}

LogSource::LogSource(std::vector<std::string> apps, std::vector<std::string> others,
                     const output::FilePolicy& access_log)
    : called_(fmt::format("{}", fmt::join(apps, "+"))),
      kind_(output::LogKind::access),
      places_{{access_log, LogStream::unknown}},
      apps_(std::move(apps)),
      others_(std::move(others)) {}

LogSource::LogSource(std::shared_ptr<OwnLog> own)
    : kind_(output::LogKind::daemon), places_{{own->file(), LogStream::unknown}}, own_(std::move(own)) {}

std::string LogSource::sharers() const {
  if (others_.empty()) return {};
  std::vector<std::string> all = apps_;
  all.insert(all.end(), others_.begin(), others_.end());
  std::ranges::sort(all);
  const std::string last = std::move(all.back());
  all.pop_back();
  return fmt::format("{} and {}", fmt::join(all, ", "), last);
}

std::string LogSource::asked() const {
  std::string all;
  for (const std::string& instance : instances_) all += (all.empty() ? "" : ", ") + called_ + "@" + instance;
  return all.empty() ? called_ : all;
}

output::LogQuery LogSource::narrowed(output::LogQuery query) const {
  query.instances = instances_;
  if (!others_.empty()) query.apps = apps_;
  return query;
}

KeptLines LogSource::kept(const output::LogQuery& query, const Place& place) const {
  return {output_, own_.get(), query, place};
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
  auto newest = output_->newest_first();
  for (int i = 0; i < kMostLookedAt && found < query.lines; ++i) {
    const OutputLine* line = newest.next();
    if (line == nullptr || line->time < since) return false;
    if (!line->partial && wants(query, *line)) ++found;
  }
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
