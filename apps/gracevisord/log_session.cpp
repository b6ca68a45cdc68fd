#include "log_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "api_answers.h"
#include "base/stable_sort.h"
#include "control/answers.h"
#include "status.h"

namespace gracevisor::daemon {
namespace {

// /dev/stdout and the like are written, not read.
bool readable(const LogSource::Place& place) {
  const std::string& path = place.policy.path.native();
  return !path.empty() && !path.starts_with("/dev/");
}

// How many of the lines that do not say what was asked for are not in memory, which does.
std::uint64_t left_out_of(const LogSource& source, const LogSource::Place& place,
                          const output::LogRead& found) {
  if (found.untold == 0) return 0;
  output::LogQuery every;
  every.lines = output::LogReader::kMostTexts;
  std::unordered_map<std::size_t, std::size_t> known;
  for (const output::FileLine& line : source.kept(every, place).lines)
    ++known[std::hash<std::string_view>()(line.text)];
  std::uint64_t left_out = found.untold;
  for (const std::size_t text : found.untold_texts) {
    const auto same = known.find(text);
    if (same == known.end() || same->second == 0) continue;
    --same->second;
    --left_out;
  }
  return left_out;
}

std::string lines_text(std::uint64_t count) {
  return fmt::format("{} line{}", count, count == 1 ? "" : "s");
}

// Its share of what is left, the last of `takers` in a row taking all.
std::size_t share(std::size_t left, std::size_t takers) {
  return std::max<std::size_t>(left / std::max<std::size_t>(takers, 1), 1);
}

}  // namespace

LogSession::LogSession(loop::Loop& loop, output::Writer& writer, Asked asked,
                       std::shared_ptr<serve::Response> response, std::function<void()> over)
    : writer_(writer),
      asked_(std::move(asked)),
      response_(std::move(response)),
      over_(std::move(over)),
      left_(asked_.query.bytes),
      memory_left_(asked_.query.bytes),
      sender_(loop, [this] { send(); }),
      watch_(loop, [this] { look_at_thread(); }) {
  response_->on_gone([this] { over_(); });
  response_->on_drained([this] { send(); });
}

LogSession::~LogSession() {
  response_->on_gone({});
  response_->on_drained({});
  if (read_ != 0) writer_.cancel_read(read_);
}

void LogSession::begin() {
  for (std::size_t i = 0; i < asked_.sources.size(); ++i) {
    const LogSource& source = asked_.sources[i];
    if (source.suffices(source.narrowed(asked_.query))) continue;
    for (std::size_t p = 0; p < source.places().size(); ++p) {
      if (readable(source.places()[p])) readings_.push_back({i, p});
    }
  }
  if (asked_.unknown.empty()) control::begin_lines(*response_);
  read_next();
}

void LogSession::read_next() {
  if (next_reading_ == readings_.size()) return compose();
  Reading& next = readings_[next_reading_];
  const LogSource& source = asked_.sources[next.source];
  const LogSource::Place& place = source.places()[next.place];
  output::LogQuery query = source.narrowed(asked_.query);
  query.bytes = left_;
  query.lines = std::min(query.lines, share(lines_left_, readings_.size() - next_reading_));
  next.lines = query.lines;
  next.begun = std::chrono::system_clock::now();
  looks_ = 0;
  steps_ = writer_.read_steps();
  read_ = writer_.read({place.policy, source.kind(), source.called(), place.stream, std::move(query)},
                       [this](output::LogRead found) { on_read(std::move(found)); });
  watch_.start(kStuck);
}

void LogSession::on_read(output::LogRead found) {
  read_ = 0;
  watch_.stop();
  left_ -= std::min(left_, found.bytes);
  lines_left_ -= std::min(lines_left_, found.lines.size());
  Reading& reading = readings_[next_reading_++];
  reading.found = std::move(found);
  reading.done = true;
  read_next();
}

// A disk that hangs, or others who read, must not keep what is in memory from being shown.
void LogSession::look_at_thread() {
  const std::uint64_t steps = writer_.read_steps();
  const bool works = std::exchange(steps_, steps) != steps;
  if (works && ++looks_ < kMostLooks) return watch_.start(kStuck);
  writer_.cancel_read(std::exchange(read_, 0));
  note(works
           ? "the log files were not read within a minute: only lines that the daemon has in memory are sure"
             " to be shown"
           : "the disk does not answer: these are only the lines that the daemon has in memory");
  compose();
}

// The history, and from here on what is written.
void LogSession::compose() {
  composed_ = true;
  const bool found =
      std::ranges::any_of(readings_, [](const Reading& one) { return !one.found.lines.empty(); });
  if (!asked_.unknown.empty() && !found) {
    refuse(*response_, control::ExitCode::no_such_app, asked_.unknown);
    return end();
  }
  if (!asked_.unknown.empty()) control::begin_lines(*response_);
  for (const Reading& one : readings_) {
    const LogSource& source = asked_.sources[one.source];
    tell_about(source, source.places()[one.place], one.found);
    if (one.lines < asked_.query.lines && one.found.lines.size() == one.lines) {
      note(fmt::format("older lines of {} are left out: no more than {} are read back at once",
                       source.places()[one.place].policy.path.native(), kMostLines));
    }
  }
  tell_missed();
  for (std::size_t i = 0; i < asked_.sources.size(); ++i) {
    for (output::MergedLine& line : lines_of(i)) history_.push_back({i, std::move(line)});
  }
  base::stable_sort(history_, [](const Shown& shown) { return shown.line.order; });
  if (history_.empty() && asked_.query.lines > 0) tell_nothing();
  const auto unfiled = [](const LogSource& source) {
    return source.kind() == output::LogKind::daemon && source.places().front().policy.path.empty();
  };
  if (std::ranges::any_of(asked_.sources, unfiled)) {
    note("the daemon's log goes to its standard error: these are the newest lines that it has in memory");
  }
  if (asked_.follow) {
    for (std::size_t i = 0; i < asked_.sources.size(); ++i) follow(i);
  }
  sender_.start(base::Duration::zero());
}

std::vector<output::MergedLine> LogSession::lines_of(std::size_t source) {
  const LogSource& from = asked_.sources[source];
  output::LogQuery query = from.narrowed(asked_.query);
  std::vector<output::MergedLine> all;
  const std::size_t places = from.places().size();
  bool cut = false;
  for (std::size_t place = 0; place < places; ++place) {
    const std::size_t takers = asked_.sources.size() - source + places - place - 1;
    query.bytes = share(memory_left_, takers);
    query.lines = std::min(asked_.query.lines, share(memory_lines_left_, takers));
    LogSource::Kept kept = from.kept(query, from.places()[place]);
    memory_left_ -= std::min(memory_left_, kept.bytes);
    memory_lines_left_ -= std::min(memory_lines_left_, kept.lines.size());
    cut = cut || kept.cut || (query.lines < asked_.query.lines && kept.lines.size() == query.lines);
    const auto reading = std::ranges::find_if(
        readings_, [&](const Reading& one) { return one.source == source && one.place == place; });
    auto lines = output::merge(
        reading == readings_.end() ? std::vector<output::FileLine>() : std::move(reading->found.lines),
        std::move(kept.lines));
    std::ranges::move(lines, std::back_inserter(all));
  }
  if (cut)
    note(fmt::format("lines of {} that are in memory are left out: ask for fewer apps", from.called()));
  if (places > 1) base::stable_sort(all, &output::MergedLine::order);
  if (all.size() > asked_.query.lines) {
    all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(asked_.query.lines));
  }
  return all;
}

// Of what comes while files are read, memory may let some go before it is looked at.
void LogSession::tell_missed() {
  std::string missed;
  for (std::size_t i = 0; i < asked_.sources.size(); ++i) {
    const auto reading = std::ranges::find(readings_, i, &Reading::source);
    const auto since = asked_.sources[i].complete_since();
    if (reading == readings_.end() || !since || reading->begun == base::WallTime() ||
        *since <= reading->begun) {
      continue;
    }
    const std::string& called = asked_.sources[i].called();
    missed += (missed.empty() ? "" : ", ") + (called.empty() ? "the daemon" : called);
  }
  if (missed.empty()) return;
  note(
      "some lines that came while files were read may be missing, since there were so many: ask again for "
      "those of " +
      missed);
}

void LogSession::follow(std::size_t source) {
  followed_.resize(asked_.sources.size());
  followed_[source] = {{}, asked_.sources[source].narrowed(asked_.query), false};
  followed_[source].query.since.reset();
  ++unended_;
  auto following =
      asked_.sources[source].follow([this, source](const supervise::OutputLine& line) { take(source, line); },
                                    [this, source] { on_end(source); });
  if (!followed_[source].ended) followed_[source].following = std::move(following);
}

void LogSession::on_end(std::size_t source) {
  --unended_;
  followed_[source] = {{}, {}, true};
  asked_.sources[source].release();
  sender_.start(base::Duration::zero());
}

void LogSession::add(LogSource source) {
  // The place of an app that is gone is taken, so that a long life with many apps costs nothing.
  std::size_t place = asked_.sources.size();
  if (composed_ && history_.empty()) {
    const auto over = std::ranges::find(followed_, true, &Followed::ended);
    place = static_cast<std::size_t>(over - followed_.begin());
  }
  if (place == asked_.sources.size()) {
    asked_.sources.push_back(std::move(source));
  } else {
    asked_.sources[place] = std::move(source);
  }
  if (composed_) follow(place);
}

// It is sent in a turn of its own: this may run inside anything that writes.
void LogSession::take(std::size_t source, const supervise::OutputLine& line) {
  if (!wants(followed_[source].query, line)) return;
  // Behind a gap nothing comes before the gap is told.
  if (skipped_ > 0 || further_bytes_ + line.text.size() > kMostWaiting) {
    ++skipped_;
    return;
  }
  control::LogLine message = daemon::message_of(line);
  message.app = asked_.sources[source].called();
  further_.push_back(control::to_json(message));
  further_bytes_ += further_.back().size();
  if (!sender_.running()) sender_.start(base::Duration::zero());
}

void LogSession::send() {
  if (!composed_ || response_->queued() > 0) return;
  std::string piece;
  while (piece.size() < kPiece && take_next(piece)) {
  }
  if (!piece.empty()) {
    response_->add(piece);
    // A turn for each piece: others have theirs in between.
    if (response_->queued() == 0) sender_.start(base::Duration::zero());
  } else if (!asked_.follow || (unended_ == 0 && !asked_.all)) {
    response_->end();
    end();
  }
}

bool LogSession::take_next(std::string& piece) {
  if (!notes_.empty()) {
    control::LogLine message;
    message.note = std::move(notes_.front());
    notes_.pop_front();
    piece += control::to_json(message);
  } else if (!history_.empty()) {
    piece += control::to_json(message_of(history_.front()));
    history_.pop_front();
  } else if (!further_.empty()) {
    further_bytes_ -= further_.front().size();
    piece += further_.front();
    further_.pop_front();
  } else if (skipped_ > 0) {
    control::LogLine message;
    message.skipped = std::exchange(skipped_, 0);
    message.note =
        fmt::format("skipped here: {}, which came faster than was read", lines_text(message.skipped));
    piece += control::to_json(message);
  } else {
    return false;
  }
  piece += '\n';
  return true;
}

control::LogLine LogSession::message_of(const Shown& shown) const {
  const output::FileLine& line = shown.line.line;
  control::LogLine message;
  message.instance = line.instance;
  if (line.stream != output::LogStream::unknown)
    message.stream = line.stream == output::LogStream::out ? "out" : "err";
  if (line.time) message.time = base::rfc3339(*line.time);
  message.line = line.text;
  message.cut = line.goes_on || line.shortened;
  message.app = asked_.sources[shown.source].called();
  return message;
}

void LogSession::note(std::string text) {
  notes_.push_back(std::move(text));
}

// What the client would not expect of a file.
void LogSession::tell_about(const LogSource& source, const LogSource::Place& place,
                            const output::LogRead& found) {
  const std::string& path = place.policy.path.native();
  if (!found.trouble.empty()) note(found.trouble);
  if (found.cut) {
    note(fmt::format("older lines of {} are left out: no more than {} MiB are read back at once", path,
                     asked_.query.bytes >> 20U));
  }
  if (!found.spent.empty()) {
    note(fmt::format("gave up after {} of {}: narrow it with --since", found.spent, path));
  }
  const std::uint64_t left_out = left_out_of(source, place, found);
  if (left_out == 0) return;
  const output::LogQuery query = source.narrowed(asked_.query);
  const char* what = !query.instances.empty()                     ? "an instance"
                     : query.stream != output::LogStream::unknown ? "a stream"
                                                                  : "a time";
  const std::string key = source.format_key();
  note(fmt::format("left out: {} of {} without {}{}{}", lines_text(left_out), path, what,
                   found.gave_up ? ", and all before" : "",
                   key.empty() ? "" : fmt::format(R"(; {} = "prefixed" gives new ones one)", key)));
}

void LogSession::tell_nothing() {
  const output::LogQuery& query = asked_.query;
  const bool filtered =
      query.since || query.until || !query.grep.empty() || query.stream != output::LogStream::unknown;
  const bool any = std::ranges::any_of(readings_, [](const Reading& one) { return one.found.any; });
  if (asked_.sources.empty()) return note("there are no apps");
  if (filtered || any) return note("no line is what was asked for");
  std::string where;
  for (const LogSource& source : asked_.sources) {
    const std::string& path = source.places().front().policy.path.native();
    where += fmt::format("{}{} to {}", where.empty() ? "" : ", ",
                         source.called().empty() ? "the daemon" : source.called(),
                         path.empty() ? "the daemon's standard error" : path);
  }
  note("nothing written yet: " + where);
}

void LogSession::end() {
  sender_.stop();
  over_();
}

}  // namespace gracevisor::daemon
