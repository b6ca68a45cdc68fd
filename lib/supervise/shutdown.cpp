// The end of the daemon: what decide/shutdown.h says is carried out, and told to whoever waits for it.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/counted.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

using base::counted;

base::Millis Supervisor::shutdown_timeout() const {
  std::vector<const config::App*> apps;
  apps.reserve(apps_.size());
  for (const auto& [id, entry] : apps_) apps.push_back(face(entry).config);
  return config::shutdown_timeout(settings_.config.daemon, apps);
}

void Supervisor::shut_down(std::shared_ptr<decide::Report> report) {
  if (report != nullptr) {
    if (shutdown_.begun()) report->add(now(), "again", "what is under way is no longer waited for");
    shutdown_reports_.push_back(std::move(report));
  }
  carry_out(shutdown_.stop());
}

void Supervisor::tell_shutdown(const std::string& phase, const std::string& text) const {
  for (const auto& report : shutdown_reports_) report->add(now(), phase, text);
}

std::string Supervisor::shutdown_progress() const {
  const Load load = this->load();
  if (!load.idle()) {
    return fmt::format("{} under way, {} waiting", counted(load.requests, "request", "requests"),
                       load.waiting);
  }
  if (load.processes > 0) return counted(load.processes, "process", "processes") + " to end";
  return publisher_.unsent() ? "clients have not taken all of their responses" : "";
}

std::string Supervisor::progress(const decide::Report& report) const {
  const auto is_it = [&](const auto& one) { return one.get() == &report; };
  if (std::ranges::any_of(shutdown_reports_, is_it)) return shutdown_progress();
  const bool reloads = reloading_ && reloading_->report.get() == &report;
  std::string text;
  for (const auto& [id, entry] : apps_) {
    if (!reloads) {
      text = entry.app->progress(report);
      if (!text.empty()) break;
    } else if (const auto& receipt = reloading_->receipts.find(entry.app->name());
               receipt != reloading_->receipts.end()) {
      const std::string one = entry.app->progress(*receipt->second);
      if (!one.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : " | ", entry.app->name(), one);
    }
  }
  return text;
}

// What keeps the daemon from ending.
Supervisor::Load Supervisor::load() const {
  Load load;
  for (const auto& [who, run] : world_->runs().all()) {
    if (run->endpoint()) load.requests += run->endpoint()->ledger.sum(&routing::LedgerCell::leases);
  }
  for (const auto& [id, entry] : apps_) {
    for (const routing::AppCell& cell : world_->holdings(id).ledger->cells)
      load.waiting += cell.waiting.read();
    for (const decide::Generation* generation : entry.app->generations()) {
      for (const auto& instance : generation->instances()) {
        if (instance->alive()) ++load.processes;
      }
    }
  }
  return load;
}

void Supervisor::tell_stopping(decide::Haste haste) const {
  const Load left = load();
  std::string text = counted(left.processes, "process", "processes");
  if (haste == decide::Haste::kill) text += " by SIGKILL";
  if (!left.idle())
    text += fmt::format("; {} cut", counted(left.requests + left.waiting, "request is", "requests are"));
  tell_shutdown("stopping", text);
}

void Supervisor::follow_shutdown() {
  if (!shutdown_.begun()) return;
  bool ended = world_->over();
  for (const auto& [id, entry] : apps_) ended = ended && entry.app->ended();
  carry_out(shutdown_.advance({.closed = publisher_.entered_by_all() >= publisher_.epoch(),
                               .idle = load().idle() && predecessor_ == nullptr,
                               .ended = ended,
                               .unsent = publisher_.unsent()}));
}

void Supervisor::carry_out(const decide::Shutdown::Steps& steps) {
  using Step = decide::Shutdown::Step;
  for (Step step : steps) {
    switch (step) {
      case Step::close: begin_closing(); break;
      case Step::end_listeners: listeners_.end_all(); break;
      case Step::drain: begin_stopping(decide::Haste::drain); break;
      case Step::signal: begin_stopping(decide::Haste::signal); break;
      case Step::kill: begin_stopping(decide::Haste::kill); break;
      case Step::finish:
        shutdown_timer_.stop();
        log_.info("shutdown stage=over");
        for (const auto& report : std::exchange(shutdown_reports_, {})) {
          report->finish(now(), "done", "the daemon has ended", base::ExitCode::done);
        }
        if (over_) over_();
        break;
    }
  }
}

void Supervisor::begin_closing() {
  if (closing_) closing_();
  log_.info("shutdown stage=closing timeout={}s", shutdown_timeout().count() / 1000);
  app_folder_.reset();
  give_up_boot();
  for (auto& [id, entry] : apps_) entry.app->abort_deploy();
  (void)world_->publish();
  const Load now = load();
  tell_shutdown("closing", fmt::format("no new connections; {} under way, {} waiting, for at most {} s",
                                       counted(now.requests, "request", "requests"), now.waiting,
                                       shutdown_timeout().count() / 1000));
  shutdown_timer_.start(shutdown_timeout());
}

void Supervisor::begin_stopping(decide::Haste haste) {
  const bool kill = haste == decide::Haste::kill;
  log_.info("shutdown stage=stopping now={} kill={}", haste != decide::Haste::drain, kill);
  tell_stopping(haste);
  if (haste != decide::Haste::drain) world_->close_endpoints();
  for (auto& [id, entry] : apps_) entry.app->shut_down(haste);
  shutdown_timer_.start(kill ? std::chrono::seconds(10) : shutdown_timeout());
  schedule_turn();
}

}  // namespace gracevisor::supervise
