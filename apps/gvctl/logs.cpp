// gvctl logs: one stream of lines from the daemon, and from the next daemon if it is followed.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "gvctl/answers.h"
#include "gvctl/commands.h"
#include "gvctl/log_printer.h"
#include "gvctl/text.h"

namespace gracevisor::gvctl {
namespace {

using control::CallError;
using control::ExitCode;
using http::Method;

constexpr std::uint32_t kLines = 100;
constexpr std::uint32_t kLinesOfSeveral = 20;
// What was written while no daemon was asked.
constexpr std::uint32_t kLinesMissed = 100000;
constexpr std::chrono::milliseconds kFollowAgain(250);

bool one_app(const CommandLine& line) {
  return line.selectors.size() == 1 && !line.selectors.front().names_many();
}

bool one_instance(const CommandLine& line) {
  return one_app(line) && line.selectors.front().slot.has_value();
}

// Everything but how many lines, and since when.
std::string filters(const LogOptions& logs) {
  std::string query;
  if (logs.of != LogOptions::Of::output)
    query += logs.of == LogOptions::Of::access ? "&of=access" : "&of=daemon";
  if (logs.follow) query += "&follow=1";
  if (logs.until) query += "&until=" + control::escape(base::rfc3339(*logs.until));
  if (!logs.grep.empty()) query += "&grep=" + control::escape(logs.grep);
  if (logs.only_stderr) query += "&stream=err";
  return query;
}

std::string amount(std::uint32_t lines, const std::optional<base::WallTime>& since) {
  return fmt::format("n={}{}", lines, since ? "&since=" + control::escape(base::rfc3339(*since)) : "");
}

// May the next daemon answer?
bool is_gone(const CallError& error) {
  return error.kind == CallError::Kind::lost || error.kind == CallError::Kind::unreachable ||
         error.kind == CallError::Kind::silent;
}

// What comes over one or several connections.
class Incoming {
 public:
  Incoming(const CommandLine& line, LogPrinter printer, Output& out, Output& err)
      : line_(line), printer_(std::move(printer)), out_(out), err_(err) {}

  // False: nothing more can be written, or understood.
  bool take(std::string_view json) {
    begun_ = true;
    auto message = control::read_log_line(json);
    if (!message) {
      trouble_ = message.error();
      return false;
    }
    // A time ahead, as lines of files may say, would hide what follows.
    const auto time = base::parse_rfc3339(message->time);
    if (time && *time <= std::chrono::system_clock::now()) newest_ = std::max(newest_, *time);
    if (line_.json) return out_.write(std::string(json) + "\n");
    if (message->note.empty()) return out_.write(printer_.text(*message));
    // What a new daemon says of the past was said by the one before.
    if (again_ && message->skipped == 0) return true;
    err_.write("gvctl: " + harmless(message->note) + "\n");  // lost, if nobody reads it
    return true;
  }
  // The connection has ended. False: nothing is followed.
  [[nodiscard]] bool goes_on(const CallError& error) const {
    return line_.logs.follow && is_gone(error) && (begun_ || again_ || error.kind == CallError::Kind::lost);
  }
  // `upgraded`: the next daemon is there, and nothing was lost.
  void go_on(bool upgraded) {
    if (!again_ && newest_ == base::WallTime()) newest_ = std::chrono::system_clock::now();
    again_ = true;
    if (upgraded || std::exchange(away_, true)) return;
    err_.write("gvctl: the daemon has gone: waiting for the next one\n");
  }
  void connected() {
    if (std::exchange(away_, false)) err_.write("gvctl: the daemon is back\n");
  }

  [[nodiscard]] const std::optional<base::Error>& trouble() const { return trouble_; }
  // After a connection has been lost: what follows the newest line that came.
  [[nodiscard]] std::optional<base::WallTime> since() const {
    return again_ ? std::optional(newest_ + std::chrono::milliseconds(1)) : std::nullopt;
  }

 private:
  const CommandLine& line_;
  LogPrinter printer_;
  Output& out_;
  Output& err_;
  std::optional<base::Error> trouble_;
  base::WallTime newest_{};
  bool begun_ = false;
  bool again_ = false;  // not the first connection
  bool away_ = false;   // and that has been said
};

}  // namespace

std::expected<std::string, int> Commands::logs_target() {
  if (line_.logs.of == LogOptions::Of::output && one_app(line_)) {
    const Selector& selector = line_.selectors.front();
    const std::string instance = selector.whole_app() ? "" : "&instance=" + selector.instance();
    return app_path(selector.app) + "/logs?" + instance;
  }
  std::string selected;
  const auto all = [](const Selector& selector) { return selector.app == "all"; };
  if (std::ranges::none_of(line_.selectors, all)) {
    for (const Selector& selector : line_.selectors) {
      if (!selector.names_many()) {
        selected += "," + selector.app + (selector.whole_app() ? "" : "@" + selector.instance());
        continue;
      }
      auto names = apps({selector});
      if (!names) return std::unexpected(names.error());
      for (const std::string& name : *names) selected += "," + name;
    }
  }
  return selected.empty() ? "/v1/logs?" : "/v1/logs?&select=" + control::escape(selected.substr(1));
}

int Commands::logs() {
  auto target = logs_target();
  if (!target) return target.error();
  const LogOptions& asked = line_.logs;
  const bool several = asked.of != LogOptions::Of::daemon && !one_app(line_);
  const std::uint32_t lines = asked.lines.value_or(several ? kLinesOfSeveral : kLines);
  LogPrinter::How how{style_, asked.time, out_.terminal(), !one_instance(line_) || out_.terminal()};
  const std::string app = one_app(line_) ? line_.selectors.front().app : "";
  Incoming incoming(line_, LogPrinter(app, how), out_, err_);
  const std::size_t query = target->find('?') + 1;
  for (;;) {
    const auto missed = incoming.since();
    std::string call = *target + filters(asked);
    call.insert(query, missed ? amount(kLinesMissed, missed) : amount(lines, asked.since));
    auto result = client_.stream({Method::get, call, {}}, [&](std::string_view json) {
      incoming.connected();
      return incoming.take(json);
    });
    if (result && result->status != 200) return fail(*result);
    if (incoming.trouble()) return fail(not_understood(*incoming.trouble()));
    if (result) return code(ExitCode::done);
    if (!incoming.goes_on(result.error())) return fail(result.error());
    const bool upgraded = result.error().kind == CallError::Kind::lost && handed_over();
    incoming.go_on(upgraded);
    if (!upgraded) std::this_thread::sleep_for(kFollowAgain);
  }
}

}  // namespace gracevisor::gvctl
