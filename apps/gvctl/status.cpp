// gvctl status: once, or again and again; and the schemas of what gvctl prints as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/nearest.h"
#include "control/schema.h"
#include "gvctl/answers.h"
#include "gvctl/commands.h"
#include "gvctl/status_view.h"

namespace gracevisor::gvctl {
namespace {

using control::ExitCode;

constexpr std::chrono::seconds kEvery(2);
// The cursor to the upper left; and what is left of the old screen goes.
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearBelow = "\x1b[J";
constexpr std::string_view kClearLine = "\x1b[K\n";

bool asks_for_all(const std::vector<Selector>& selectors) {
  return std::ranges::all_of(selectors, [](const Selector& one) { return one.app == "all"; });
}

control::Error no_app(const std::string& name, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  return {fmt::format("no app \"{}\"{}", name, base::did_you_mean(name, names)), ExitCode::no_such_app, {}};
}

// Without flicker: each line replaces the one that was there.
std::string over_the_old(const std::string& screen) {
  std::string out(kHome);
  for (const char c : screen) {
    if (c == '\n') {
      out += kClearLine;
    } else {
      out.push_back(c);
    }
  }
  return out + std::string(kClearBelow);
}

}  // namespace

// The whole report, with those apps that are asked for.
std::expected<Commands::Asked, int> Commands::ask_status() {
  auto report = fetch_status();
  if (!report) return std::unexpected(report.error());
  if (asks_for_all(line_.selectors)) return Asked{.report = std::move(*report)};
  Asked asked;
  std::vector<std::string>& known = asked.known;
  known.reserve(report->apps.size());
  for (const control::AppStatus& app : report->apps) known.push_back(app.name);
  auto picked = pick_apps(line_.selectors, known);
  if (!picked) {
    return std::unexpected(fail(control::Error{picked.error().what, ExitCode::no_such_app, {}}));
  }
  std::vector<control::AppStatus> apps;
  for (const std::string& name : *picked) {
    auto found = std::ranges::find(report->apps, name, &control::AppStatus::name);
    if (found != report->apps.end()) {
      apps.push_back(*found);
    } else {
      asked.missing.push_back(name);
    }
  }
  if (apps.empty() && asked.missing.size() == 1) {
    return std::unexpected(fail(no_app(asked.missing.front(), asked.known)));
  }
  report->apps = std::move(apps);
  asked.report = std::move(*report);
  return asked;
}

void Commands::show_status(const control::StatusReport& report) {
  if (line_.json) {
    out_.write(control::to_json(report) + "\n");
    return;
  }
  const StatusLook look{style_, out_.width(), line_.verbose || !asks_for_all(line_.selectors), line_.verbose};
  std::string screen = render(report, look);
  if (!line_.watch) {
    out_.write(screen);
    return;
  }
  if (const auto height = out_.height()) screen = over_the_old(fit(screen, *height - 1));
  out_.write(out_.terminal() ? screen : screen + "\n");
}

int Commands::status() {
  if (line_.watch && out_.terminal() && !line_.json)
    out_.write(std::string(kHome) + std::string(kClearBelow));
  for (;;) {
    auto asked = ask_status();
    if (!asked) return asked.error();
    show_status(asked->report);
    for (const std::string& name : asked->missing) (void)fail(no_app(name, asked->known));
    if (!asked->missing.empty()) return code(ExitCode::some_failed);
    if (line_.exit_code && !line_.watch) {
      return code(all_well(asked->report) ? ExitCode::done : ExitCode::no);
    }
    // Until Ctrl-C, or nobody reads it any more.
    if (!line_.watch || !out_.good()) return code(ExitCode::done);
    watching_ = true;
    std::this_thread::sleep_for(kEvery);
  }
}

int Commands::schema() {
  const std::string name = line_.word.empty() ? "status" : line_.word;
  if (auto text = control::schema_text(name)) {
    out_.write(*text);
    return code(ExitCode::done);
  }
  std::string known;
  for (const std::string_view one : control::schema_names()) {
    known += (known.empty() ? "" : ", ") + std::string(one);
  }
  return fail(control::Error{"no schema \"" + name + "\": there are " + known, ExitCode::usage, {}});
}

}  // namespace gracevisor::gvctl
