// [app.NAME.stop] and [app.NAME.log].
#include "config/access_fields.h"
#include "config/tables.h"

namespace gracevisor::config {
namespace {

// As written in the file: a rung without its own time waits for `timeout`.
struct Rung {
  int signal = 0;
  std::optional<Millis> wait;
};
struct StopForm {
  std::vector<Rung> rungs;
  Millis timeout{};
  Stop::Scope scope = Stop::Scope::group;
  Stop::Leftover leftover = Stop::Leftover::kill;
};

constexpr Choice<Stop::Scope> kScopes[] = {{"group", Stop::Scope::group}, {"main", Stop::Scope::main}};
constexpr Choice<Stop::Leftover> kLeftovers[] = {{"kill", Stop::Leftover::kill},
                                                 {"leave", Stop::Leftover::leave}};
constexpr Bounds<Millis> kWaits{Millis(0), kDay};
constexpr std::size_t kMostRungs = 16;

std::optional<Rung> read_rung(Reading& reading, const Item& item) {
  const auto& text = std::get<std::string>(item.value.data);
  auto colon = text.find(':');
  Rung rung;
  auto signal = parse_signal(std::string_view(text).substr(0, colon));
  if (!signal) {
    reading.error(item, signal.error().what);
    return std::nullopt;
  }
  rung.signal = *signal;
  if (colon != std::string::npos) {
    Value rest{item.value.source, text.substr(colon + 1)};
    rung.wait = reading.duration({item.path, rest}, kWaits);
    if (!rung.wait) return std::nullopt;
  }
  return rung;
}

void read_signals(Reading& reading, const Item& item, StopForm& out) {
  auto items = reading.texts(item, R"(a signal such as "TERM" or a list such as ["INT:60s", "TERM:30s"])");
  const auto* array = std::get_if<Array>(&item.value.data);
  if (array != nullptr && (array->empty() || array->size() > kMostRungs)) {
    return reading.error(item, fmt::format("expected 1 to {} signals, found {}", kMostRungs, array->size()));
  }
  out.rungs.clear();
  for (const Item& element : items) {
    if (auto rung = read_rung(reading, element)) out.rungs.push_back(*rung);
  }
}

std::string signals_text(const StopForm& form) {
  if (form.rungs.size() == 1) return quote(signal_text(form.rungs.front().signal));
  std::vector<std::string> items;
  items.reserve(form.rungs.size());
  for (const Rung& rung : form.rungs) {
    items.push_back(signal_text(rung.signal) + ":" + duration_text(rung.wait.value_or(form.timeout)));
  }
  return list_text(items);
}

Fields<StopForm> stop_fields() {
  Fields<StopForm> fields;
  fields.emplace_back("signal", R"(or a ladder: ["TSTP:60s", "TERM:30s"])", read_signals, signals_text);
  fields.push_back(duration_field("timeout", &StopForm::timeout, kWaits, "then SIGKILL to the whole tree"));
  fields.push_back(choice_field("scope", &StopForm::scope, kScopes, R"(or "main": the first process alone)"));
  fields.push_back(choice_field("leftover", &StopForm::leftover, kLeftovers,
                                R"(who outlives the first process is ended too; "leave": named in status)"));
  return fields;
}

StopForm form_of(const Stop& stop) {
  StopForm form{{}, stop.ladder.back().wait, stop.scope, stop.leftover};
  for (const StopStep& step : stop.ladder) form.rungs.push_back({step.signal, step.wait});
  return form;
}

void read_stop(Reading& reading, const Item& item, App& out) {
  const Table* table = reading.table(item);
  if (table == nullptr) return;
  StopForm form = form_of(Stop{});
  form.rungs.front().wait.reset();
  read_table(reading, item.path, *table, stop_fields(), form);
  out.stop.scope = form.scope;
  out.stop.leftover = form.leftover;
  out.stop.ladder.clear();
  bool timeout_counts = form.rungs.empty();
  for (const Rung& rung : form.rungs) {
    out.stop.ladder.push_back({rung.signal, rung.wait.value_or(form.timeout)});
    timeout_counts = timeout_counts || !rung.wait;
  }
  if (const Entry* timeout = find(*table, "timeout"); timeout != nullptr && !timeout_counts) {
    reading.findings().warning(timeout->source,
                               item.path + ".timeout: has no effect, as each signal has a time of its own");
  }
}

Section stop_section(std::string path, const App& app) {
  Section section = describe(std::move(path), "how an instance is ended once it is drained", stop_fields(),
                             form_of(app.stop));
  if (app.stop.ladder.size() > 1) {
    std::erase_if(section.lines, [](const Line& line) { return line.key == "timeout"; });
  }
  return section;
}

// One of `words`, or a file's path, which must contain a slash so that a misspelt word is not taken for a
// file.
std::optional<std::string> read_target(Reading& reading, const Item& item,
                                       std::initializer_list<std::string_view> words) {
  auto text = reading.text(item, R"(a file's path or a word such as "inherit")");
  if (!text) return std::nullopt;
  if (*text == "journal" || *text == "syslog") {
    reading.not_supported(item);
    return std::nullopt;
  }
  if (std::find(words.begin(), words.end(), *text) != words.end()) return text;
  if (text->find('/') == std::string::npos) {
    auto near = nearest(*text, std::span(words.begin(), words.size()));
    reading.error(item, fmt::format(R"({} is no file's path (write "./{}" for a file beside this one){})",
                                    quote_briefly(*text), key_text(*text),
                                    near.empty() ? "" : fmt::format("; did you mean {}?", quote(near))));
    return std::nullopt;
  }
  auto path = reading.path(item);
  if (!path) return std::nullopt;
  return path->string();
}

constexpr Choice<AppLog::OnFull> kOnFull[] = {{"drop", AppLog::OnFull::drop},
                                              {"block", AppLog::OnFull::block}};

Fields<AppLog> app_log_fields() {
  Fields<AppLog> fields;
  fields.emplace_back(
      "stdout", R"(without it <state_dir>/log/APP.log; "inherit": the daemon's standard error)",
      [](Reading& r, const Item& item, AppLog& out) {
        if (auto target = read_target(r, item, {"", "inherit"})) out.out = *target;
      },
      [](const AppLog& log) { return log.out.empty() ? std::string() : quote(log.out); },
      R"("/var/log/gracevisor/web.log")");
  fields.emplace_back(
      "stderr", R"(or a file, or "inherit")",
      [](Reading& r, const Item& item, AppLog& out) {
        if (auto target = read_target(r, item, {"stdout", "inherit"})) out.err = *target;
      },
      [](const AppLog& log) { return quote(log.err); });
  fields.push_back(size_field("max_size", &AppLog::max_size, {1024, 1ULL << 40}, "when to begin a new file"));
  fields.push_back(number_field("keep", &AppLog::keep, {0, 1000}, "how many old files stay"));
  fields.push_back(access_path_field("access", &AppLog::access,
                                     R"(a line for each request; "inherit": the daemon's standard error)",
                                     R"("/var/log/gracevisor/web.access.log")"));
  fields.push_back(access_format_field("access_format", &AppLog::access_format));
  fields.push_back(choice_field("on_full", &AppLog::on_full, kOnFull,
                                R"(when nothing gets written for 2 s; or "block": the app waits)"));
  return fields;
}

}  // namespace

Field<App> stop_field() {
  return {"stop", {}, read_stop, nullptr, {}, stop_section};
}

Field<App> app_log_field() {
  return table_field("log", &App::log, app_log_fields(), "the app's output and its requests");
}

}  // namespace gracevisor::config
