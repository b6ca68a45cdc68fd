#include "log_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "api_answers.h"
#include "base/rfc3339.h"

namespace gracevisor::daemon {
namespace {

using control::ExitCode;

constexpr std::size_t kDefaultLines = 100;
constexpr std::size_t kMaxLines = 100'000;
constexpr std::size_t kLargeHistory = 8UL << 20;
constexpr std::size_t kSmallHistory = 1UL << 20;

std::size_t line_count(const std::string& text) {
  std::size_t count = kDefaultLines;
  (void)std::from_chars(text.data(), text.data() + text.size(), count);  // unreadable: the default
  return std::min(count, kMaxLines);
}

// Is there, or was there, output of it? It may have written nothing yet.
bool knows(const supervise::AppSnapshot& app, const supervise::AppOutput& output,
           const decide::Selection& wanted) {
  if (output.keeps(*wanted.generation, wanted.slot)) return true;
  auto generation =
      std::ranges::find(app.generations, *wanted.generation, &supervise::GenerationSnapshot::id);
  if (generation == app.generations.end()) return false;
  return !wanted.slot || (wanted.slot->value() >= 1 && wanted.slot->value() <= generation->instances.size());
}

std::string unknown_text(const supervise::AppSnapshot& app, const supervise::AppOutput& output,
                         const decide::Selection& which, const std::string& wanted) {
  if (*which.generation > app.newest || *which.generation == base::GenerationId()) {
    return fmt::format(
        "there is no generation {} of {}{}", which.generation->value(), app.name,
        app.newest == base::GenerationId() ? "" : fmt::format(": the newest is {}", app.newest.value()));
  }
  std::string kept;
  for (base::GenerationId generation : output.generations()) {
    kept += fmt::format("{}@{}", kept.empty() ? "" : ", ", generation.value());
  }
  return fmt::format("nothing of {}@{} is kept{}{}", app.name, wanted, kept.empty() ? "" : ", only of ",
                     kept);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// False: it is given, but is no time.
bool read_time(const control::Request& request, const std::string& name,
               std::optional<base::WallTime>& time) {
  const std::string text = query_value(request, name);
  if (!text.empty()) time = base::parse_rfc3339(text);
  return text.empty() || time.has_value();
}

}  // namespace

LogRequests::LogRequests(loop::Loop& loop, output::Writer& writer, supervise::Supervisor& supervisor,
                         std::shared_ptr<OwnLog> own)
    : loop_(loop),
      writer_(writer),
      supervisor_(supervisor),
      own_(std::move(own)),
      bury_(loop,
            [this] {
              for (std::uint64_t session : std::exchange(over_, {})) sessions_.erase(session);
            }),
      turn_(loop, [this] { take_turn(); }) {
  supervisor_.on_new_app([this](const std::string& name) { add_app(name); });
}

LogRequests::~LogRequests() {
  supervisor_.on_new_app({});
}

void LogRequests::take_turn() {
  const std::uint64_t number = at_work_.front();
  at_work_.pop_front();
  const auto session = sessions_.find(number);
  if (session != sessions_.end() && session->second->work()) at_work_.push_back(number);
  if (!at_work_.empty()) turn_.ask();
}

void LogRequests::add_app(const std::string& name) {
  for (const auto& [number, session] : sessions_) {
    if (session->takes_all()) session->add(LogSource(name, supervisor_.output(name), {}));
  }
}

void LogRequests::answer(const control::Request& request, const std::string& app,
                         const std::shared_ptr<serve::Response>& response) {
  auto asked = read(request, app);
  if (!asked) return refuse(*response, asked.error().exit, asked.error().why);
  if (asked->follow && !response->follow()) {
    return refuse(*response, ExitCode::busy,
                  "too many clients of the control socket follow logs already: end one, or ask without -f");
  }
  asked->query.bytes = sessions_.size() < kLargeRequests ? kLargeHistory : kSmallHistory;
  const std::uint64_t number = ++last_session_;
  LogSession::WayOut way_out{.wants_turn =
                                 [this, number] {
                                   at_work_.push_back(number);
                                   turn_.ask();
                                 },
                             .over =
                                 [this, number] {
                                   over_.push_back(number);
                                   bury_.ask();
                                 }};
  auto session =
      std::make_unique<LogSession>(loop_, writer_, std::move(*asked), response, std::move(way_out));
  LogSession& begun = *session;
  sessions_.emplace(number, std::move(session));
  begun.begin();
}

LogRequests::Asked LogRequests::read(const control::Request& request, const std::string& app) const {
  LogSession::Asked asked;
  output::LogQuery& query = asked.query;
  asked.follow = query_value(request, "follow") == "1";
  query.lines = line_count(query_value(request, "n"));
  query.grep = query_value(request, "grep");
  const std::string stream = query_value(request, "stream");
  const std::string of = query_value(request, "of");
  if (!read_time(request, "since", query.since) || !read_time(request, "until", query.until)) {
    return std::unexpected(Refusal{ExitCode::usage, "since and until are times as in RFC 3339"});
  }
  if (!stream.empty() && stream != "out" && stream != "err") {
    return std::unexpected(Refusal{ExitCode::usage, "stream is out or err"});
  }
  if (!stream.empty()) query.stream = stream == "out" ? output::LogStream::out : output::LogStream::err;
  if (of == "daemon") {
    query.stream = output::LogStream::unknown;
    asked.sources.emplace_back(own_);
    return asked;
  }
  if (!of.empty() && of != "access") {
    return std::unexpected(Refusal{ExitCode::usage, fmt::format("there are no logs of \"{}\"", of)});
  }
  if (of == "access" && asked.follow) {
    return std::unexpected(
        Refusal{ExitCode::usage, "access logs cannot be followed: tail -F follows the file"});
  }
  asked.all = of.empty() && app.empty() && split(query_value(request, "select")).empty();
  auto selected = select(request, app);
  if (!selected) return std::unexpected(std::move(selected.error()));
  if (of == "access") {
    query.stream = output::LogStream::unknown;
    if (auto added = add_access(*selected, asked); !added) return std::unexpected(std::move(added.error()));
    return asked;
  }
  for (const Selected& one : *selected) {
    if (auto added = add_output(one, asked); !added) return std::unexpected(std::move(added.error()));
  }
  return asked;
}

std::expected<std::vector<LogRequests::Selected>, LogRequests::Refusal> LogRequests::select(
    const control::Request& request, const std::string& app) const {
  if (!app.empty()) return std::vector<Selected>{{app, split(query_value(request, "instance"))}};
  std::vector<Selected> selected;
  for (const std::string& one : split(query_value(request, "select"))) {
    const std::size_t at = std::min(one.find('@'), one.size());
    const std::string name = one.substr(0, at);
    auto known = std::ranges::find(selected, name, &Selected::app);
    const bool fresh = known == selected.end();
    if (fresh) known = selected.insert(known, {name, {}});
    // All of an app, and an instance of it, are all of it.
    if (at == one.size()) {
      known->instances.clear();
    } else if (fresh || !known->instances.empty()) {
      known->instances.push_back(one.substr(at + 1));
    }
  }
  if (selected.empty()) {
    for (const supervise::AppSnapshot& one : supervisor_.snapshot().apps) selected.push_back({one.name, {}});
  }
  return selected;
}

std::expected<void, LogRequests::Refusal> LogRequests::add_output(const Selected& selected,
                                                                  LogSession::Asked& asked) const {
  const std::shared_ptr<supervise::AppOutput> output = supervisor_.output(selected.app);
  if (!output) return std::unexpected(Refusal{ExitCode::no_such_app, "no app \"" + selected.app + "\""});
  output->tidy();
  if (!selected.instances.empty()) {
    const supervise::AppSnapshot app = *supervisor_.snapshot(selected.app);
    for (const std::string& instance : selected.instances) {
      if (instance.empty()) {
        return std::unexpected(
            Refusal{ExitCode::usage, fmt::format("\"{}@\" names no instance", selected.app)});
      }
      const auto which = read_selection(instance);
      if (!which) return std::unexpected(Refusal{ExitCode::usage, which.error().what});
      if (knows(app, *output, *which)) continue;
      std::string text = unknown_text(app, *output, *which, instance);
      // Records of it may be in the files: then it is known.
      if (!output->writes_records() || selected.instances.size() > 1) {
        return std::unexpected(Refusal{ExitCode::no_such_app, std::move(text)});
      }
      asked.unknown = std::move(text);
    }
  }
  asked.sources.emplace_back(selected.app, output, selected.instances);
  return {};
}

std::expected<void, LogRequests::Refusal> LogRequests::add_access(const std::vector<Selected>& selected,
                                                                  LogSession::Asked& asked) const {
  struct File {
    output::FilePolicy policy;
    std::vector<std::string> apps;
    std::vector<std::string> others;  // that were not asked for
  };
  std::map<std::string, File> files;  // by their paths: several apps may share one
  for (const Selected& one : selected) {
    const std::shared_ptr<supervise::AppOutput> output = supervisor_.output(one.app);
    if (!output) return std::unexpected(Refusal{ExitCode::no_such_app, "no app \"" + one.app + "\""});
    const output::FilePolicy log = output->access_log();
    if (log.path.empty()) continue;
    files.try_emplace(log.path.string(), File{log, {}, {}}).first->second.apps.push_back(one.app);
  }
  for (const supervise::AppSnapshot& app : supervisor_.snapshot().apps) {
    const auto file = files.find(supervisor_.output(app.name)->access_log().path.string());
    if (file == files.end() || std::ranges::find(file->second.apps, app.name) != file->second.apps.end())
      continue;
    file->second.others.push_back(app.name);
  }
  for (const auto& [path, file] : files) asked.sources.emplace_back(file.apps, file.others, file.policy);
  if (!files.empty()) return {};
  return std::unexpected(
      Refusal{ExitCode::failed,
              selected.size() == 1
                  ? fmt::format("{} has no access log in a file: app.{}.log.access names one",
                                selected.front().app, selected.front().app)
                  : "none of these apps has an access log in a file: app.NAME.log.access names one"});
}

}  // namespace gracevisor::daemon
