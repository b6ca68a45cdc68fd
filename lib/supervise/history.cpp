#include "supervise/history.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "base/file.h"
#include "base/json.h"

namespace gracevisor::supervise {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostBytes = 16U << 20;   // of the file: more than the bounds allow
constexpr std::size_t kFirstLines = 40;         // of a report that is too long
constexpr std::int64_t kLatest = 253402300799;  // 9999-12-31T23:59:59Z: later times cannot be written
constexpr int kMostExit = 255;

Json json_of(const decide::ReportLine& line) {
  Json json{{"phase", line.phase}, {"at_ms", line.at.count()}, {"text", line.text}};
  if (line.exit) json["exit"] = static_cast<int>(*line.exit);
  for (const auto& [name, value] : line.fields) {
    std::visit([&json, &key = name](const auto& v) { json["fields"][std::string(key)] = v; }, value);
  }
  if (!line.keys.empty()) json["keys"] = line.keys;
  for (const auto& [instance, pid, endpoint] : line.started) {
    json["started"].push_back({{"instance", instance}, {"pid", pid}, {"endpoint", endpoint}});
  }
  for (const auto& [instance, last_exit, code, signal] : line.stopped) {
    Json& one = json["stopped"].emplace_back(Json{{"instance", instance}, {"last_exit", last_exit}});
    if (code) one["code"] = *code;
    if (signal) one["signal"] = *signal;
  }
  return json;
}

std::string text_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <class T>
std::optional<T> number_in(const Json& object, const char* key) {
  T number{};
  const auto found = object.find(key);
  return found != object.end() && base::take_value(*found, number) ? std::optional(number) : std::nullopt;
}

// What the member called `key` holds; nothing if it is no array.
const Json& array_in(const Json& object, const char* key) {
  static const Json kEmpty = Json::array();
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kEmpty;
}

void read_lists(const Json& json, decide::ReportLine& line) {
  for (const Json& key : array_in(json, "keys")) {
    if (key.is_string()) line.keys.push_back(key.get<std::string>());
  }
  for (const Json& one : array_in(json, "started")) {
    if (!one.is_object()) continue;
    line.started.push_back({text_in(one, "instance"), number_in<std::uint64_t>(one, "pid").value_or(0),
                            text_in(one, "endpoint")});
  }
  for (const Json& one : array_in(json, "stopped")) {
    if (!one.is_object()) continue;
    line.stopped.push_back({text_in(one, "instance"), text_in(one, "last_exit"), number_in<int>(one, "code"),
                            number_in<int>(one, "signal")});
  }
}

decide::ReportLine line_of(const Json& json) {
  decide::ReportLine line{.phase = text_in(json, "phase"), .text = text_in(json, "text")};
  line.at = base::Millis(number_in<std::int64_t>(json, "at_ms").value_or(0));
  const auto exit = number_in<int>(json, "exit");
  if (exit && *exit >= 0 && *exit <= kMostExit) line.exit = static_cast<base::ExitCode>(*exit);
  read_lists(json, line);
  const auto fields = json.find("fields");
  if (fields == json.end() || !fields->is_object()) return line;
  for (const auto& [name, value] : fields->items()) {
    bool flag = false;
    std::int64_t number = 0;
    if (base::take_value(value, flag)) {
      line.fields.push_back({name, flag});
    } else if (base::take_value(value, number)) {
      line.fields.push_back({name, number});
    } else if (value.is_string()) {
      line.fields.push_back({name, value.get<std::string>()});
    }
  }
  return line;
}

PastCommand command_of(const Json& json) {
  PastCommand command{.command = {text_in(json, "verb"), number_in<std::uint64_t>(json, "uid")}};
  const std::int64_t at =
      std::clamp<std::int64_t>(number_in<std::int64_t>(json, "at").value_or(0), 0, kLatest);
  command.at = std::chrono::sys_seconds(std::chrono::seconds(at));
  command.generation = base::GenerationId(number_in<std::uint64_t>(json, "generation").value_or(0));
  const auto lines = json.find("lines");
  if (lines == json.end() || !lines->is_array()) return command;
  for (const Json& line : *lines) {
    if (line.is_object()) command.lines.push_back(line_of(line));
  }
  return command;
}

PastCommand past(const decide::Report& report, std::chrono::sys_seconds at) {
  PastCommand command{report.command(), at, report.generation()};
  const auto& lines = report.lines();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool first = i < kFirstLines;
    const bool last = i + (History::kMostLines - kFirstLines) >= lines.size();
    if (!first && !last) continue;
    decide::ReportLine& line = command.lines.emplace_back(lines[i]);
    line.text.resize(std::min(line.text.size(), History::kMostText));
  }
  return command;
}

}  // namespace

std::string to_text(const std::deque<PastCommand>& commands) {
  Json all = Json::array();
  for (const PastCommand& command : commands) {
    Json& json = all.emplace_back(Json{{"verb", command.command.verb},
                                       {"at", command.at.time_since_epoch().count()},
                                       {"generation", command.generation.value()},
                                       {"lines", Json::array()}});
    if (command.command.uid) json["uid"] = *command.command.uid;
    for (const decide::ReportLine& line : command.lines) json["lines"].push_back(json_of(line));
  }
  return Json{{"version", 1}, {"commands", std::move(all)}}.dump(-1, ' ', false,
                                                                 Json::error_handler_t::replace);
}

base::Expected<std::deque<PastCommand>> past_commands(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  const auto found = json.is_object() ? json.find("commands") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_array()) {
    return base::fail("it is no history of commands");
  }
  std::deque<PastCommand> commands;
  for (const Json& one : *found) {
    if (!one.is_object()) continue;
    PastCommand command = command_of(one);
    if (!command.lines.empty() && command.lines.back().exit) commands.push_back(std::move(command));
  }
  while (commands.size() > History::kMost) commands.pop_front();
  return commands;
}

const std::deque<PastCommand>& History::commands() {
  if (!commands_) {
    commands_.emplace();
    if (auto text = base::read_own_file(file_, kMostBytes)) {
      if (auto read = past_commands(*text)) commands_ = std::move(*read);
    }
  }
  return *commands_;
}

void History::add(PastCommand command) {
  (void)commands();
  commands_->push_back(std::move(command));
  while (commands_->size() > kMost) commands_->pop_front();
  write_(file_, to_text(*commands_));
}

void keep(const std::shared_ptr<History>& history, const std::shared_ptr<decide::Report>& report) {
  const auto at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  // The report holds its followers until it is finished, and this one must not keep the report alive.
  report->follow([history, kept = std::weak_ptr(report), at](const auto& line) {
    const auto whole = kept.lock();
    if (line.exit && whole) history->add(past(*whole, at));
  });
}

}  // namespace gracevisor::supervise
