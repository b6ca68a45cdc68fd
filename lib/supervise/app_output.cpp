#include "supervise/app_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervise/sink_policy.h"

namespace gracevisor::supervise {
namespace {

constexpr base::Duration kIdle = std::chrono::seconds(2);
// Room for records that is not worth keeping.
constexpr std::size_t kMostRoom = 256UL << 10;

output::LogFormat format_of(config::AppLog::Format format) {
  switch (format) {
    case config::AppLog::Format::plain: return output::LogFormat::plain;
    case config::AppLog::Format::prefixed: return output::LogFormat::prefixed;
    case config::AppLog::Format::json: return output::LogFormat::json;
  }
  return output::LogFormat::plain;
}

void end_line(OutputFeed& feed, output::LogFormat format) {
  if (format == output::LogFormat::plain) return feed.flush();
  if (feed.unfinished()) feed.add("\n");
}

}  // namespace

AppOutput::AppOutput(loop::Loop& loop, output::Writer& writer, const std::filesystem::path& state_dir,
                     const config::App& config, Alive alive)
    : writer_(writer),
      name_(config.name),
      default_file_(state_dir / "log" / (config.name + ".log")),
      log_(config.log),
      alive_(std::move(alive)),
      idle_(loop, [this] { flush_all(); }) {}

AppOutput::~AppOutput() {
  if (has_sinks_) writer_.use_sinks(name_, {});
}

AppOutput::Target AppOutput::target(const std::string& path) const {
  Target to;
  to.format = format_of(log_.format);
  output::FilePolicy& policy = to.policy;
  if (const auto sink = config::log_sink(path)) {
    to.format = output::LogFormat::prefixed;
    policy = sink_policy(*sink);
    policy.app = name_;
    policy.block = log_.on_full == config::AppLog::OnFull::block;
    return to;
  }
  if (path != "inherit") policy.path = path.empty() ? default_file_ : std::filesystem::path(path);
  policy.max_size = log_.max_size;
  policy.keep = log_.keep;
  policy.json = to.format == output::LogFormat::json;
  policy.records = to.format != output::LogFormat::plain;
  policy.block = log_.on_full == config::AppLog::OnFull::block;
  policy.user = user_;
  return to;
}

AppOutput::Target AppOutput::out_target() const {
  return target(log_.out);
}

AppOutput::Target AppOutput::err_target() const {
  return log_.err == "stdout" ? out_target() : target(log_.err);
}

std::vector<AppOutput::Place> AppOutput::places() const {
  using output::LogStream;
  if (log_.err == "stdout") return {{out_target().policy, LogStream::unknown}};
  return {{out_target().policy, LogStream::out}, {err_target().policy, LogStream::err}};
}

output::FilePolicy AppOutput::access_log() const {
  output::FilePolicy policy;
  if (log_.access != "inherit") policy.path = log_.access;
  policy.max_size = log_.max_size;
  policy.keep = log_.keep;
  policy.user = user_;
  return policy;
}

// What holds for old files, and which sinks there are, whether or not anything is written.
void AppOutput::tell_writer() {
  keep_old_files();
  use_sinks();
}

void AppOutput::keep_old_files() {
  output::LogUpkeep upkeep{name_, {}, log_.max_age, log_.total_size, log_.compress};
  if (closed_) upkeep = {name_, {}};
  if (!upkeep.any() && !keeps_) return;
  keeps_ = upkeep.any();
  for (const Place& place : places()) upkeep.add(place.policy);
  upkeep.add(access_log());
  writer_.keep(std::move(upkeep));
}

// Those of what is left of other generations, too.
void AppOutput::use_sinks() {
  std::vector<output::FilePolicy> sinks;
  auto add = [&sinks](const output::FilePolicy& policy) {
    if (policy.sink != output::SinkKind::file) sinks.push_back(policy);
  };
  if (!closed_) {
    for (const Place& place : places()) add(place.policy);
  }
  for (const auto& [who, to] : feeds_) {
    add(to->out_to->target.policy);
    add(to->err_to->target.policy);
  }
  if (sinks.empty() && !has_sinks_) return;
  has_sinks_ = !sinks.empty();
  writer_.use_sinks(name_, sinks);
}

void AppOutput::adjust(base::GenerationId generation, const config::AppLog& log) {
  log_ = log;
  for (auto& [who, to] : feeds_) {
    if (who.generation != generation) continue;
    to->out_to->target = out_target();
    to->err_to->target = err_target();
  }
  tell_writer();
}

void AppOutput::begin(const routing::Identity& who, const config::AppLog& log) {
  log_ = log;
  end(who);
  (void)feeds(who);
  tell_writer();
  (void)tail(who);  // that it is silent is known as well
}

AppOutput::Feeds& AppOutput::feeds(const routing::Identity& who) {
  auto& place = feeds_[who];
  if (place) return *place;
  auto out = std::make_shared<Outlet>(Outlet{out_target(), writer_.new_source()});
  auto err = std::make_shared<Outlet>(Outlet{err_target(), writer_.new_source()});
  using output::LogStream;
  place = std::make_unique<Feeds>(
      Feeds{out, err, feed(who, LogStream::out, out), feed(who, LogStream::err, err)});
  use_sinks();
  return *place;
}

OutputFeed AppOutput::feed(const routing::Identity& who, output::LogStream stream,
                           const std::shared_ptr<Outlet>& to) {
  return {[this, who, stream, to](std::string_view bytes) {
            to->written = ++writes_;
            write(who, stream, to->target, bytes, to->source);
          },
          held_};
}

void AppOutput::write(const routing::Identity& who, output::LogStream stream, const Target& to,
                      std::string_view bytes, output::Source source) {
  if (to.format == output::LogFormat::plain) return writer_.append(to.policy, bytes, source);
  const std::string instance = routing::instance_name(who);
  records_.clear();
  output::append_records(to.format, {std::chrono::system_clock::now(), name_, instance, stream}, bytes,
                         records_);
  writer_.append(to.policy, records_);
  if (records_.capacity() > kMostRoom) records_ = {};
}

bool AppOutput::takes(const routing::Identity& who, process::OutputStream stream) {
  if (paused_) return false;
  const Feeds& to = feeds(who);
  return writer_.takes(stream == process::OutputStream::out ? to.out_to->target.policy
                                                            : to.err_to->target.policy);
}

OutputTail& AppOutput::tail(const routing::Identity& who) {
  auto [it, fresh] = tails_.try_emplace({who.generation, who.slot});
  if (fresh) {
    it->second = std::make_unique<OutputTail>(routing::instance_name(who),
                                              [this](const OutputLine& line) { on_line(line); });
    forget_long_dead(who.generation);
  }
  return *it->second;
}

// What is left of a dead generation may also write; its output is kept under its own name.
void AppOutput::forget_long_dead(base::GenerationId writing) {
  std::vector<base::GenerationId> dead = generations();
  std::erase_if(dead, [&](base::GenerationId g) { return g == writing || alive_(g); });
  if (dead.size() <= kDeadKept) return;
  dead.erase(dead.end() - static_cast<std::ptrdiff_t>(kDeadKept), dead.end());
  std::erase_if(tails_, [&](const auto& entry) {
    if (!std::ranges::binary_search(dead, entry.first.first)) return false;
    const auto& lines = entry.second->lines();
    if (!lines.empty()) complete_since_ = std::max(complete_since_, lines.back().time);
    return true;
  });
}

bool AppOutput::keeps(base::GenerationId generation, std::optional<base::Slot> slot) const {
  auto it = tails_.lower_bound({generation, slot.value_or(base::Slot())});
  if (it == tails_.end() || it->first.first != generation) return false;
  return !slot || it->first.second == *slot;
}

std::vector<base::GenerationId> AppOutput::generations() const {
  std::vector<base::GenerationId> all;
  for (const auto& [key, tail] : tails_) {
    if (all.empty() || all.back() != key.first) all.push_back(key.first);
  }
  return all;
}

void AppOutput::on_line(const OutputLine& line) {
  for (auto& [number, follower] : followers_) follower.line(line);
}

void AppOutput::close() {
  closed_ = true;
  tell_writer();
  // Whoever is told may unfollow.
  for (auto& [number, follower] : std::exchange(followers_, {})) follower.end();
}

void AppOutput::take(const routing::Identity& who, process::OutputStream stream, std::string_view bytes) {
  Feeds& to = feeds(who);
  OutputFeed& feed = stream == process::OutputStream::out ? to.out : to.err;
  feed.add(bytes);
  OutputTail& lines = tail(who);
  lines.add(stream, bytes, std::chrono::system_clock::now());
  if ((lines.has_unfinished() || feed.holds()) && !idle_.running()) idle_.start(kIdle);
}

AppOutput::Unfinished AppOutput::take_unfinished(const routing::Identity& who, process::OutputStream stream) {
  Feeds& to = feeds(who);
  const bool out = stream == process::OutputStream::out;
  OutputFeed& feed = out ? to.out : to.err;
  const bool goes_on = feed.loose() && wrote_last(out ? *to.out_to : *to.err_to);
  return {feed.take(), goes_on};
}

void AppOutput::take_on(const routing::Identity& who, process::OutputStream stream, const Unfinished& rest) {
  Feeds& to = feeds(who);
  const bool out = stream == process::OutputStream::out;
  if (rest.goes_on) {
    (out ? to.out : to.err).go_on_loose();
    (out ? to.out_to : to.err_to)->source = output::kFormerSource;
  }
  if (!rest.line.empty()) take(who, stream, rest.line);
}

bool AppOutput::wrote_last(const Outlet& to) const {
  if (to.target.format != output::LogFormat::plain) return false;
  const auto later = [&to](const Outlet& other) {
    return other.target.policy.path == to.target.policy.path && other.written > to.written;
  };
  return std::ranges::none_of(feeds_, [&later](const auto& entry) {
    return later(*entry.second->out_to) || later(*entry.second->err_to);
  });
}

void AppOutput::note(const routing::Identity& who, std::string_view text) {
  flush(who);
  std::string line = fmt::format("[gracevisor] {}\n", text);
  write(who, output::LogStream::err, feeds(who).err_to->target, line, {});
  tail(who).add(process::OutputStream::err, line, std::chrono::system_clock::now());
}

void AppOutput::flush(const routing::Identity& who) {
  tail(who).end_lines(std::chrono::system_clock::now());
  Feeds& to = feeds(who);
  end_line(to.out, to.out_to->target.format);
  end_line(to.err, to.err_to->target.format);
}

void AppOutput::end(const routing::Identity& who) {
  auto found = feeds_.find(who);
  if (found == feeds_.end()) return;
  flush(who);
  feeds_.erase(found);
  use_sinks();
}

void AppOutput::flush_all() {
  for (auto& [key, tail] : tails_) tail->flush(std::chrono::system_clock::now());
  for (auto& [who, to] : feeds_) {
    to->out.flush();
    to->err.flush();
  }
}

std::vector<std::string> AppOutput::last(const routing::Identity& who, std::size_t count) const {
  std::vector<std::string> result;
  auto it = tails_.find({who.generation, who.slot});
  if (it == tails_.end()) return result;
  for (const OutputLine* line : it->second->last(count)) result.push_back(line->text);
  return result;
}

AppOutput::Cursor::Cursor(const AppOutput& of) : of_(of) {
  rests_.reserve(of.tails_.size());
  for (const auto& [whose, tail] : of.tails_) {
    put({whose, tail->let_go() + tail->lines().size(), {}}, *tail);
  }
}

// Null: it has let them go.
const OutputLine* AppOutput::Cursor::newest_of(const OutputTail& tail, std::uint64_t end) {
  const std::uint64_t first = tail.let_go();
  return end > first && end - first <= tail.lines().size() ? &tail.lines()[end - first - 1] : nullptr;
}

void AppOutput::Cursor::put(Rest rest, const OutputTail& tail) {
  const OutputLine* line = newest_of(tail, rest.end);
  if (line == nullptr) return;
  rest.newest = line->time;
  rests_.push_back(rest);
  std::ranges::push_heap(rests_, {}, &Rest::newest);
}

const OutputLine* AppOutput::Cursor::next() {
  while (!rests_.empty()) {
    std::ranges::pop_heap(rests_, {}, &Rest::newest);
    Rest rest = rests_.back();
    rests_.pop_back();
    const auto tail = of_.tails_.find(rest.whose);
    if (tail == of_.tails_.end()) continue;
    const OutputLine* line = newest_of(*tail->second, rest.end);
    if (line == nullptr) continue;
    --rest.end;
    put(rest, *tail->second);
    return line;
  }
  return nullptr;
}

OutputTail::WallTime AppOutput::complete_since() const {
  OutputTail::WallTime since = complete_since_;
  for (const auto& [key, tail] : tails_) {
    if (tail->incomplete() && !tail->lines().empty()) since = std::max(since, tail->lines().front().time);
  }
  return since;
}

std::uint64_t AppOutput::follow(Follower follower) {
  ++last_follower_;
  if (closed_) {
    follower.end();
  } else {
    followers_.emplace(last_follower_, std::move(follower));
  }
  return last_follower_;
}

}  // namespace gracevisor::supervise
