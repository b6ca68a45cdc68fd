// What operators do to an app that runs: stop, kill, signal, scale, and the abort of a deploy.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <csignal>

#include "base/user_text.h"
#include "decide/app.h"

namespace gracevisor::decide {
namespace {

// From these a process comes back only by SIGCONT: until then its clients wait.
bool suspends(int signal) {
  return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

// "web@43.1 web@43.2", as commands take them.
std::string names(std::string_view app, const std::vector<Instance*>& instances) {
  std::string text;
  for (const Instance* one : instances) {
    text += fmt::format("{}{}@{}", text.empty() ? "" : " ", app, routing::instance_name(one->identity()));
  }
  return text;
}

}  // namespace

std::string Selection::text(std::string_view app) const {
  if (!generation) return std::string(app);
  if (!slot) return fmt::format("{}@{}", app, generation->value());
  return fmt::format("{}@{}", app, routing::instance_name(*generation, *slot));
}

std::expected<void, Refused> App::stop(const spec::Stopped& by, Haste haste, std::shared_ptr<Report> report) {
  if (stopped_ && ended() && !deploy_ && !records_.asked()) {
    report->finish(knowledge_.now(), "done",
                   fmt::format("{} is stopped already: gvctl start {}", name_, name_), ExitCode::done);
    return {};
  }
  remember(report, live_);
  report->add(knowledge_.now(), haste == Haste::kill ? "kill" : "stop",
              deploy_ ? deploy_->describe()
              : live_ ? live_->name()
                      : name_);
  if (deploy_) (void)deploy_->interrupt(Interruption::stop, "stopped by " + base::user_text(by.uid));
  wanted_ = false;
  start_failure_.reset();
  if (!stopped_ && !removing_) stopped_ = by;
  end_all(haste);
  Wait wait{.what = Wait::For::stopped, .report = std::move(report)};
  wait.serial = record();
  waits_.push_back(std::move(wait));
  effects_.publish();
  advance();
  return {};
}

std::expected<void, Refused> App::abort(uid_t by, std::shared_ptr<Report> report) {
  if (!deploy_) return refused(ExitCode::failed, name_ + " has no deploy under way");
  const std::string what = deploy_->describe();
  const Generation& candidate = deploy_->candidate();
  std::shared_ptr<Report> deploy = deploy_->report();
  if (deploy_->interrupt(Interruption::abort, "aborted by " + base::user_text(by)) == Consequence::refuse) {
    return std::unexpected(
        Refused{ExitCode::failed, what + ": no instance is left that could serve instead", {}});
  }
  remember(report, &candidate);
  report->add(knowledge_.now(), "abort", what);
  waits_.push_back({Wait::For::aborted, std::move(report), std::move(deploy)});
  advance();
  return {};
}

// Those that have a process.
std::expected<std::vector<Instance*>, Refused> App::selected(const Selection& which) const {
  std::vector<Instance*> chosen;
  bool known = which.all();
  for (const auto& generation : generations_) {
    for (const auto& instance : generation->instances()) {
      if (!which.has(instance->identity())) continue;
      known = true;
      if (instance->alive()) chosen.push_back(instance.get());
    }
  }
  if (!known) {
    return std::unexpected(Refused{ExitCode::no_such_app, fmt::format("there is no {}", which.text(name_))});
  }
  if (chosen.empty()) {
    return std::unexpected(Refused{ExitCode::failed, fmt::format("{} has no process", which.text(name_))});
  }
  return chosen;
}

std::expected<void, Refused> App::kill(const Selection& which, uid_t by, std::shared_ptr<Report> report) {
  auto chosen = selected(which);
  if (!chosen) return std::unexpected(chosen.error());
  remember(report, live_);
  report->add(knowledge_.now(), "kill", names(name_, *chosen));
  Wait wait{.what = Wait::For::killed, .report = std::move(report)};
  for (Instance* instance : *chosen) {
    wait.killed.push_back(instance->identity());
    (void)instance->kill("killed by " + base::user_text(by));
  }
  waits_.push_back(std::move(wait));
  effects_.publish();
  advance();
  return {};
}

std::expected<void, Refused> App::signal(const Selection& which, const SignalOrder& order,
                                         const std::shared_ptr<Report>& report) {
  auto chosen = selected(which);
  if (!chosen) return std::unexpected(chosen.error());
  const auto serves = [](const Instance* one) { return one->routable(); };
  if (suspends(order.number) && !order.force && std::ranges::any_of(*chosen, serves)) {
    return std::unexpected(
        Refused{ExitCode::usage,
                fmt::format("{} serves, and its clients would wait until it is continued: --force sends "
                            "the signal all the same",
                            which.text(name_))});
  }
  for (const Instance* instance : *chosen)
    effects_.pass_signal(instance->identity(), order.number, order.scope);
  effects_.tell({knowledge_.now(), name_, fact::Signalled{names(name_, *chosen), order.number, order.by}});
  report->finish(knowledge_.now(), "done", "sent to " + names(name_, *chosen), ExitCode::done);
  return {};
}

std::expected<void, Refused> App::scale(unsigned instances, std::shared_ptr<Report> report) {
  assert(instances > 0);
  if (auto free = can_deploy(); !free) return free;
  if (live_ == nullptr) {
    return std::unexpected(
        Refused{ExitCode::failed, fmt::format("{} has not been started yet: gvctl start {}", name_, name_)});
  }
  auto spec = std::make_shared<spec::Spec>(*live_->spec());
  const unsigned before = spec->app.instances;
  const unsigned file = spec->app.scaled_from.value_or(before);
  if (instances == before) {
    report->finish(knowledge_.now(), "done",
                   fmt::format("{} has {} instance{} already{}", live_->name(), before,
                               before == 1 ? "" : "s", before == file ? ", as the files say" : ""),
                   ExitCode::done);
    return {};
  }
  spec->app.instances = instances;
  spec->app.scaled_from = instances == file ? std::nullopt : std::optional(file);
  remember(report, live_);
  report->add(
      knowledge_.now(), "scale",
      fmt::format("{}  {} -> {} instance{}{}", live_->name(), before, instances, instances == 1 ? "" : "s",
                  instances == file ? "" : fmt::format(" (file: {})", file)));
  effects_.arm(id_, AppTimer::start_timeout, spec->app.deploy.timeout);
  waits_.push_back({.what = Wait::For::scaled, .report = std::move(report), .unwell = live_->unwell()});
  adjust(std::move(spec));
  return {};
}

}  // namespace gracevisor::decide
