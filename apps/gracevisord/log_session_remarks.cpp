// What a LogSession remarks on the logs that it shows.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "log_session.h"
#include "output/sink_message.h"

namespace gracevisor::daemon {
namespace {

// How many of the lines that do not say what was asked for are not in memory, which does.
std::uint64_t left_out_of(const output::LogRead& found, const std::vector<output::FileLine>& kept) {
  std::unordered_map<std::size_t, std::size_t> known;
  for (const output::FileLine& line : kept) ++known[std::hash<std::string_view>()(line.text)];
  std::uint64_t left_out = found.untold;
  for (const std::size_t text : found.untold_texts) {
    const auto same = known.find(text);
    if (same == known.end() || same->second == 0) continue;
    --same->second;
    --left_out;
  }
  return left_out;
}

}  // namespace

std::string LogSession::lines_text(std::uint64_t count) {
  return fmt::format("{} line{}", count, count == 1 ? "" : "s");
}

// Of what comes while files are read, memory may let some go before it is looked at.
void LogSession::note_missed(std::size_t source) {
  const auto reading = std::ranges::find(readings_, source, &Reading::source);
  const auto since = asked_.sources[source].complete_since();
  if (reading == readings_.end() || !since || reading->begun == base::WallTime() ||
      *since <= reading->begun) {
    return;
  }
  const std::string& called = asked_.sources[source].called();
  missed_ += (missed_.empty() ? "" : ", ") + (called.empty() ? "the daemon" : called);
}

// Remarks on one file after the other, some of which need what is in memory.
void LogSession::tell_further() {
  const Reading& reading = readings_[next_told_];
  if (reading.found.untold > 0 && !known_) {
    const LogSource& source = asked_.sources[reading.source];
    known_.emplace(source.kept(output::LogQuery(), source.places()[reading.place]));
    known_->limit(output::LogReader::kMostTexts, output::LogQuery().bytes);
  }
  if (known_ && known_->step()) return;
  tell_about(reading, known_ ? known_->take().lines : std::vector<output::FileLine>());
  known_.reset();
  ++next_told_;
}

// What the client would not expect of a file.
void LogSession::tell_about(const Reading& reading, const std::vector<output::FileLine>& kept) {
  const LogSource& source = asked_.sources[reading.source];
  const LogSource::Place& place = source.places()[reading.place];
  const output::LogRead& found = reading.found;
  const std::string& path = place.policy.path.native();
  if (!found.trouble.empty()) note(found.trouble);
  if (found.cut) {
    note(fmt::format("older lines of {} are left out: no more than {} MiB are read back at once", path,
                     asked_.query.bytes >> 20U));
  }
  if (reading.lines < asked_.query.lines && found.lines.size() == reading.lines) {
    note(fmt::format("older lines of {} are left out: no more than {} are read back at once", path,
                     kMostLines));
  }
  if (found.nameless > 0) {
    note(fmt::format("{} is shared: it holds lines of {}, and {} of these {} not say whose", path,
                     source.sharers(), lines_text(found.nameless), found.nameless == 1 ? "does" : "do"));
  }
  if (!found.spent.empty()) {
    note(fmt::format("gave up after {} of {}: narrow it with --since", found.spent, path));
  }
  const std::uint64_t left_out = left_out_of(found, kept);
  left_out_ += left_out;
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

// What went to syslog or journald is there, and not read back.
void LogSession::tell_sinks() {
  if (asked_.query.lines == 0) return;
  for (const LogSource& source : asked_.sources) {
    std::set<std::string> told;
    for (const LogSource::Place& place : source.places()) {
      const output::FilePolicy& to = place.policy;
      if (to.sink == output::SinkKind::file || !told.insert(to.name()).second) continue;
      const bool own = to.app.empty();
      std::string how;
      if (to.sink == output::SinkKind::journal)
        how = own ? fmt::format(": journalctl -t {}", output::kOwnName) : ": journalctl GV_APP=" + to.app;
      note(fmt::format(
          "what {} writes goes to {}: these are the newest lines that the daemon has in memory, the "
          "rest is there{}",
          own ? "the daemon" : to.app, to.name(), how));
    }
  }
}

void LogSession::tell_nothing() {
  const output::LogQuery& query = asked_.query;
  const bool filtered =
      query.since || query.until || !query.grep.empty() || query.stream != output::LogStream::unknown;
  const bool any = std::ranges::any_of(readings_, [](const Reading& one) { return one.found.any; });
  if (asked_.sources.empty()) return note("there are no apps");
  const bool instances = std::ranges::all_of(
      asked_.sources, [](const LogSource& source) { return source.asked() != source.called(); });
  if (!filtered && instances && left_out_ == 0) {
    std::string who;
    for (const LogSource& source : asked_.sources) who += (who.empty() ? "" : ", ") + source.asked();
    return note("nothing was written by " + who);
  }
  if (filtered || any) return note("no line is what was asked for");
  std::string where;
  for (const LogSource& source : asked_.sources) {
    const std::string path = source.places().front().policy.name();
    where += fmt::format("{}{} to {}", where.empty() ? "" : ", ",
                         source.called().empty() ? "the daemon" : source.called(),
                         path.empty() ? "the daemon's standard error" : path);
  }
  note("nothing written yet: " + where);
}

}  // namespace gracevisor::daemon
