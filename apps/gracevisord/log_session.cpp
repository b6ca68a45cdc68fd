#include "log_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api_answers.h"
#include "control/answers.h"
#include "status.h"

namespace gracevisor::daemon {
namespace {

// /dev/stdout and the like are written, not read, and so are sinks.
bool readable(const LogSource::Place& place) {
  const std::string& path = place.policy.path.native();
  return place.policy.sink == output::SinkKind::file && !path.empty() && !path.starts_with("/dev/");
}

// Its share of what is left, the last of `takers` in a row taking all.
std::size_t share(std::size_t left, std::size_t takers) {
  return std::max<std::size_t>(left / std::max<std::size_t>(takers, 1), 1);
}

}  // namespace

LogSession::LogSession(loop::Loop& loop, output::Writer& writer, Asked asked,
                       std::shared_ptr<serve::Response> response, WayOut way_out)
    : writer_(writer),
      asked_(std::move(asked)),
      response_(std::move(response)),
      way_out_(std::move(way_out)),
      left_(asked_.query.bytes),
      memory_left_(asked_.query.bytes),
      sender_(loop, [this] { send(); }),
      watch_(loop, [this] { look_at_thread(); }) {
  response_->on_gone([this] { way_out_.over(); });
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

void LogSession::compose() {
  const bool found =
      std::ranges::any_of(readings_, [](const Reading& one) { return !one.found.lines.empty(); });
  if (!asked_.unknown.empty() && !found) {
    refuse(*response_, control::ExitCode::no_such_app, asked_.unknown);
    return end();
  }
  if (!asked_.unknown.empty()) control::begin_lines(*response_);
  way_out_.wants_turn();
}

bool LogSession::work() {
  const auto end = std::chrono::steady_clock::now() + kTurn;
  do {
    if (!compose_further()) return false;
  } while (std::chrono::steady_clock::now() < end);
  return true;
}

// False: all of it is ready to be sent.
bool LogSession::compose_further() {
  if (history_.step()) return true;
  if (next_told_ < readings_.size()) {
    tell_further();
  } else if (!keeping_.empty()) {
    keep_further();
  } else if (next_source_ < asked_.sources.size()) {
    begin_source(next_source_++);
  } else {
    finish_composing();
    return false;
  }
  return true;
}

void LogSession::finish_composing() {
  composed_ = true;
  if (!missed_.empty()) {
    note(missed_ +
         " wrote more while the log files were read than is kept in memory: some of it may be missing here, "
         "so ask again");
  }
  if (history_.empty() && asked_.query.lines > 0) tell_nothing();
  const auto unfiled = [](const LogSource& source) {
    return source.kind() == output::LogKind::daemon && source.places().front().policy.path.empty();
  };
  if (std::ranges::any_of(asked_.sources, unfiled)) {
    note("the daemon's log goes to its standard error: these are the newest lines that it has in memory");
  }
  tell_sinks();
  sender_.ask();
}

// What is in memory of it is what is there in the turn in which it begins to be followed: no line is missed
// or doubled.
void LogSession::begin_source(std::size_t source) {
  const LogSource& from = asked_.sources[source];
  const output::LogQuery query = from.narrowed(asked_.query);
  for (const LogSource::Place& place : from.places()) keeping_.push_back(from.kept(query, place));
  if (asked_.follow) follow(source);
  if (!keeping_.empty()) limit_next();
}

void LogSession::limit_next() {
  const std::size_t takers = asked_.sources.size() - next_source_ + keeping_.size() - parts_.size();
  line_limit_ = std::min(asked_.query.lines, share(memory_lines_left_, takers));
  keeping_[parts_.size()].limit(line_limit_, share(memory_left_, takers));
}

void LogSession::keep_further() {
  KeptLines& keeping = keeping_[parts_.size()];
  if (keeping.step()) return;
  KeptLines::Found kept = keeping.take();
  memory_left_ -= std::min(memory_left_, kept.bytes);
  memory_lines_left_ -= std::min(memory_lines_left_, kept.lines.size());
  const bool all = line_limit_ == asked_.query.lines || kept.lines.size() < line_limit_;
  memory_cut_ = memory_cut_ || kept.cut || !all;
  const std::size_t source = next_source_ - 1;
  const auto reading = std::ranges::find_if(
      readings_, [&](const Reading& one) { return one.source == source && one.place == parts_.size(); });
  parts_.push_back({{}, std::move(kept.lines)});
  if (reading != readings_.end()) parts_.back().file = std::move(reading->found.lines);
  if (parts_.size() < keeping_.size()) return limit_next();
  end_source(source);
}

void LogSession::end_source(std::size_t source) {
  if (std::exchange(memory_cut_, false)) {
    note(fmt::format("lines of {} that are in memory are left out: ask for fewer apps",
                     asked_.sources[source].called()));
  }
  history_.add(source, std::exchange(parts_, {}), asked_.query.lines);
  keeping_.clear();
  note_missed(source);
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
  sender_.ask();
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
  sender_.ask();
}

void LogSession::send() {
  if (!composed_ || response_->queued() > 0) return;
  std::string piece;
  while (piece.size() < kPiece && take_next(piece)) {
  }
  if (!piece.empty()) {
    response_->add(piece);
    // A turn for each piece: others have theirs in between.
    if (response_->queued() == 0) sender_.ask();
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
    piece += control::to_json(message_of(history_.next()));
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

control::LogLine LogSession::message_of(const output::LogHistory::Shown& shown) const {
  const output::FileLine& line = shown.line;
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

void LogSession::end() {
  sender_.stop();
  way_out_.over();
}

}  // namespace gracevisor::daemon
