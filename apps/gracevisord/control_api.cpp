#include "control_api.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include "status.h"
#include "supervise/supervisor.h"

namespace gracevisor::daemon {
namespace {

using control::Reply;

constexpr std::size_t kDefaultLines = 100;
constexpr std::size_t kMaxLines = 100'000;

void refuse(Reply& reply, control::ExitCode exit, std::string why, std::vector<std::string> details = {}) {
  reply.error({std::move(why), exit, std::move(details)});
}

// "43" names a generation, "43.1" an instance of it.
struct Selection {
  base::GenerationId generation;
  std::optional<base::Slot> slot;
};

template <class T>
std::optional<T> whole_number(std::string_view text) {
  T number = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  return ec == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<Selection> read_selection(std::string_view text) {
  std::size_t dot = std::min(text.find('.'), text.size());
  auto generation = whole_number<std::uint64_t>(text.substr(0, dot));
  if (!generation) return std::nullopt;
  Selection selection{base::GenerationId(*generation), std::nullopt};
  if (dot == text.size()) return selection;
  auto slot = whole_number<std::uint32_t>(text.substr(dot + 1));
  if (!slot) return std::nullopt;
  selection.slot = base::Slot(*slot);
  return selection;
}

// Empty selects everything.
bool selects(const std::string& wanted, const std::string& instance) {
  if (wanted.empty() || wanted == instance) return true;
  return instance.size() > wanted.size() && instance.starts_with(wanted) && instance[wanted.size()] == '.';
}

// Is there, or was there, output of it? It may have written nothing yet.
bool knows(const supervise::AppSnapshot& app, const supervise::AppOutput& output, const Selection& wanted) {
  if (output.keeps(wanted.generation, wanted.slot)) return true;
  auto generation = std::ranges::find(app.generations, wanted.generation, &supervise::GenerationSnapshot::id);
  if (generation == app.generations.end()) return false;
  return !wanted.slot || (wanted.slot->value() >= 1 && wanted.slot->value() <= generation->instances.size());
}

std::string unknown_text(const supervise::AppSnapshot& app, const supervise::AppOutput& output,
                         const std::string& wanted) {
  std::string kept;
  for (base::GenerationId generation : output.generations()) {
    kept += fmt::format("{}@{}", kept.empty() ? "" : ", ", generation.value());
  }
  return fmt::format("nothing of {}@{} is kept{}{}", app.name, wanted, kept.empty() ? "" : ", only of ",
                     kept);
}

std::string query_value(const control::Request& request, const std::string& name) {
  auto it = request.query.find(name);
  return it == request.query.end() ? "" : it->second;
}

std::size_t line_count(const std::string& text) {
  std::size_t count = kDefaultLines;
  (void)std::from_chars(text.data(), text.data() + text.size(), count);  // unreadable: the default
  return std::min(count, kMaxLines);
}

}  // namespace

ControlApi::ControlApi(supervise::Supervisor& supervisor, std::function<void()> shut_down)
    : supervisor_(supervisor), shut_down_(std::move(shut_down)), started_(std::chrono::steady_clock::now()) {}

void ControlApi::handle(const control::Request& request, std::shared_ptr<Reply> reply) {
  constexpr std::string_view kApps = "/v1/apps/";
  bool post = request.method == http::Method::post;
  if (request.path.starts_with(kApps)) {
    std::string rest = request.path.substr(kApps.size());
    auto slash = rest.find('/');
    std::string verb = slash == std::string::npos ? "" : rest.substr(slash + 1);
    handle_app(request, rest.substr(0, slash), verb, reply);
  } else if (request.path == "/v1/shutdown" && post) {
    shut_down(reply);
  } else if (!post) {
    read(request.path, reply);
  } else {
    refuse(*reply, control::ExitCode::usage, "no such path: " + request.path);
  }
}

void ControlApi::read(const std::string& path, const ReplyRef& reply) {
  if (path == "/v1/version") {
    reply->json(200, control::to_json(control::Version{GV_VERSION, ::getpid()}));
  } else if (path == "/v1/status") {
    reply->json(200, control::to_json(status_of(supervisor_.snapshot(), started_)));
  } else {
    refuse(*reply, control::ExitCode::usage, "no such path: " + path);
  }
}

void ControlApi::handle_app(const control::Request& request, const std::string& app, const std::string& verb,
                            const ReplyRef& reply) {
  if (request.method == http::Method::post) {
    command(request, app, verb, reply);
    return;
  }
  const auto snapshot = supervisor_.snapshot(app);
  if (!snapshot) {
    refuse(*reply, control::ExitCode::no_such_app, "no app \"" + app + "\"");
  } else if (verb.empty()) {
    reply->json(200, control::to_json(status_of(*snapshot, std::chrono::steady_clock::now())));
  } else if (verb == "logs") {
    logs(request, *snapshot, reply);
  } else {
    refuse(*reply, control::ExitCode::usage, "no such path: " + request.path);
  }
}

void ControlApi::command(const control::Request& request, const std::string& app, const std::string& verb,
                         const ReplyRef& reply) {
  auto report = supervisor_.new_report();
  std::expected<void, decide::Refused> taken;
  if (verb == "deploy") {
    taken = supervisor_.deploy(app, report);
  } else if (verb == "start") {
    taken = supervisor_.start(app, report);
  } else if (verb == "stop") {
    auto options = control::read_stop_options(request.body);
    if (!options) {
      refuse(*reply, control::ExitCode::usage, options.error().what);
      return;
    }
    auto at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    taken = supervisor_.stop(app, spec::Stopped{request.peer.uid, at}, options->now, report);
  } else if (verb == "abort") {
    taken = supervisor_.abort(app, request.peer.uid, report);
  } else {
    refuse(*reply, control::ExitCode::usage, "no such command: " + verb);
    return;
  }
  if (!taken) {
    refuse(*reply, taken.error().exit, taken.error().why, taken.error().details);
    return;
  }
  reply->begin_stream();
  report->follow([reply](const decide::ReportLine& line) {
    reply->line(control::to_json(message_of(line)));
    if (line.exit) reply->end();
  });
}

void ControlApi::logs(const control::Request& request, const supervise::AppSnapshot& app,
                      const ReplyRef& reply) {
  bool follow = query_value(request, "follow") == "1";
  if (follow && !reply->follow()) {
    refuse(*reply, control::ExitCode::busy,
           "too many clients of the control socket follow logs already: end one, or ask without -f");
    return;
  }
  std::string wanted = query_value(request, "instance");
  supervise::AppOutput& output = *supervisor_.output(app.name);
  output.tidy();
  if (!wanted.empty()) {
    auto selection = read_selection(wanted);
    if (!selection) {
      refuse(*reply, control::ExitCode::usage, "\"" + wanted + "\" names no generation and no instance");
      return;
    }
    if (!knows(app, output, *selection)) {
      refuse(*reply, control::ExitCode::no_such_app, unknown_text(app, output, wanted));
      return;
    }
  }
  reply->begin_stream();
  auto matches = [wanted](const std::string& instance) { return selects(wanted, instance); };
  for (const supervise::OutputLine& line : output.last(matches, line_count(query_value(request, "n")))) {
    reply->line(control::to_json(message_of(line)));
  }
  if (!follow) {
    reply->end();
    return;
  }
  std::uint64_t number = output.follow([reply, matches](const supervise::OutputLine& line) {
    if (matches(line.instance)) reply->line(control::to_json(message_of(line)));
  });
  reply->on_gone([&output, number] { output.unfollow(number); });
}

void ControlApi::shut_down(const ReplyRef& reply) {
  reply->begin_stream();
  control::ReportLine line;
  line.phase = "done";
  line.text = "the daemon drains and stops";
  line.exit = 0;
  reply->line(control::to_json(line));
  reply->end();
  shut_down_();
}

}  // namespace gracevisor::daemon
