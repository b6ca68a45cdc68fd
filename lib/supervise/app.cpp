#include "supervise/app.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <ranges>

namespace gracevisor::supervise {
namespace {

constexpr std::size_t kHistory = 20;
constexpr std::size_t kDrainsAtOnce = 3;

}  // namespace

App::App(base::AppId id, std::string name, base::GenerationId last_generation, Effects& effects)
    : id_(id), name_(std::move(name)), last_generation_(last_generation), effects_(effects) {}

Generation& App::add_generation(SpecRef spec, Role role, std::optional<base::GenerationId> again) {
  base::GenerationId number = again.value_or(last_generation_.next());
  last_generation_ = std::max(last_generation_, number);
  generations_.push_back(std::make_unique<Generation>(id_, number, std::move(spec), role, effects_));
  return *generations_.back();
}

void App::remember(std::shared_ptr<Report> report) {
  history_.push_back(std::move(report));
  if (history_.size() > kHistory) history_.pop_front();
}

void App::expect_start(bool expected) {
  assert(live_ == nullptr);
  wanted_ = expected;
  effects_.publish();
}

std::expected<void, Refused> App::start(SpecRef spec, std::shared_ptr<Report> report,
                                        std::optional<base::GenerationId> again) {
  if (auto free = can_deploy(); !free) return free;
  wanted_ = true;
  if (live_ == nullptr) {
    live_ = &add_generation(std::move(spec), Role::live, again);
    record(live_, 0);
  }
  live_->set_role(Role::live);
  remember(report);
  report->add(effects_.now(), "start",
              fmt::format("{}  {} instances", live_->name(), live_->instances().size()));
  live_->start();
  effects_.arm(id_, AppTimer::start_timeout, live_->spec()->app.deploy.timeout);
  waits_.push_back({Wait::For::healthy, std::move(report)});
  effects_.publish();
  advance();
  return {};
}

std::expected<void, Refused> App::can_deploy() const {
  if (deploy_) return std::unexpected(Refused{ExitCode::busy, deploy_->describe(), {}});
  if (live_ != nullptr && live_->role() == Role::leaving && !live_->ended()) {
    return std::unexpected(Refused{ExitCode::busy, name_ + " is still stopping", {}});
  }
  return {};
}

std::expected<void, Refused> App::deploy(SpecRef spec, std::shared_ptr<Report> report) {
  if (auto free = can_deploy(); !free) return free;
  Generation& candidate = add_generation(std::move(spec), Role::candidate, std::nullopt);
  remember(report);
  last_deploy_ = report;
  Generation* old = live_ != nullptr && !live_->ended() ? live_ : nullptr;
  DeployHost& host = *this;  // private inheritance: only visible from inside
  deploy_ = std::make_unique<Deploy>(id_, candidate, old, host, effects_, std::move(report));
  deploy_->begin();
  advance();
  return {};
}

std::expected<void, Refused> App::stop(bool now, std::shared_ptr<Report> report) {
  if (deploy_) return std::unexpected(Refused{ExitCode::busy, deploy_->describe(), {}});
  wanted_ = false;
  remember(report);
  report->add(effects_.now(), "stop", live_ != nullptr ? live_->name() : name_);
  if (live_ != nullptr) {
    if (now) {
      live_->stop();
    } else {
      live_->leave(false);
    }
  }
  waits_.push_back({Wait::For::stopped, std::move(report)});
  effects_.publish();
  advance();
  return {};
}

void App::abort_deploy() {
  if (deploy_) deploy_->abort("the daemon shuts down");
  advance();
}

void App::shut_down(bool now, bool kill) {
  wanted_ = false;
  if (deploy_) deploy_->abort("the daemon shuts down");
  for (auto& generation : generations_) {
    if (kill) {
      generation->stop_now();
    } else if (now) {
      generation->stop();
    } else {
      generation->leave(false);
      generation->release();
    }
  }
  effects_.publish();
  advance();
}

void App::cut_over(bool parked) {
  Generation* old = live_;
  for (auto& generation : generations_) {
    if (generation->role() == Role::candidate) live_ = generation.get();
  }
  live_->set_role(Role::live);
  wanted_ = true;
  if (old != nullptr) old->leave(parked);
  std::size_t draining = 0;
  // Newest last: what is too old to be among the three youngest drains is ended.
  for (auto& generation : std::views::reverse(generations_)) {
    if (generation->role() != Role::leaving || generation->ended()) continue;
    if (++draining > kDrainsAtOnce) generation->stop();
  }
}

void App::cut_back() {
  Generation* bad = live_;
  for (auto& generation : generations_) {
    if (deploy_->refers_to(*generation) && generation.get() != bad) live_ = generation.get();
  }
  live_->reinstate();
  bad->leave(false);
}

void App::record(const Generation* live, std::uint64_t serial) {
  AppState state;
  state.app = name_;
  state.last_generation = last_generation_;
  if (live != nullptr) {
    state.live = live->id();
    state.live_spec = live->spec();
  }
  effects_.record(id_, state, serial);
}

template <class Event>
void App::with_instance(const Identity& who, Event event) {
  for (auto& generation : generations_) {
    if (Instance* instance = generation->find(who)) {
      event(*instance);
      break;
    }
  }
  advance();
}

void App::on_running(const Identity& who) {
  with_instance(who, [](Instance& instance) { instance.on_running(); });
}

void App::on_probe(const Identity& who, const routing::ProbeReport& report) {
  with_instance(who, [&](Instance& instance) { instance.on_probe(report); });
}

void App::on_exited(const Identity& who, const ExitStatus& status) {
  with_instance(who, [&](Instance& instance) {
    effects_.say(base::LogLevel::info, fmt::format("exit app={} instance={}.{} status=\"{}\"", name_,
                                                   who.generation.value(), who.slot.value(), text(status)));
    instance.on_exited(status);
  });
}

void App::on_gone(const Identity& who) {
  with_instance(who, [](Instance& instance) { instance.on_gone(); });
}

void App::on_left(const Identity& who) {
  with_instance(who, [](Instance& instance) { instance.on_left(); });
}

void App::on_unkillable(const Identity& who) {
  with_instance(who, [](Instance& instance) { instance.on_unkillable(); });
}

void App::on_quiescent(const Identity& who) {
  with_instance(who, [](Instance& instance) { instance.on_quiescent(); });
}

void App::on_timer(const Identity& who, InstanceTimer timer) {
  with_instance(who, [&](Instance& instance) { instance.on_timer(timer); });
}

void App::on_timer(AppTimer timer) {
  if (deploy_) deploy_->on_timer(timer);
  advance();
}

void App::on_recorded(std::uint64_t serial, const base::Expected<void>& written) {
  if (!written) {
    effects_.say(base::LogLevel::error,
                 fmt::format("record app={} cause=\"{}\"", name_, written.error().what));
  }
  if (deploy_) deploy_->on_recorded(serial, written);
  advance();
}

void App::on_adopted(base::Epoch epoch) {
  if (deploy_) deploy_->on_adopted(epoch);
  advance();
}

void App::advance() {
  if (live_ != nullptr && live_->role() == Role::live && !guarding()) live_->unroute_failing();
  if (deploy_) {
    deploy_->advance();
    if (!deploy_->holds_slot()) finishing_.push_back(std::move(deploy_));
  }
  for (auto& deploy : finishing_) deploy->advance();
  std::erase_if(finishing_, [](const auto& deploy) { return deploy->phase() == Deploy::Phase::ended; });
  advance_waits();
  forget_ended();
}

void App::advance_waits() {
  std::erase_if(waits_, [this](Wait& wait) {
    if (wait.what == Wait::For::healthy) return settle_start(wait);
    if (wanted_) {
      wait.report->finish(effects_.now(), "failed", "started again meanwhile", ExitCode::aborted);
      return true;
    }
    if (!ended()) return false;
    wait.report->finish(effects_.now(), "stopped", live_ != nullptr ? live_->name() : name_, ExitCode::done);
    return true;
  });
}

bool App::settle_start(Wait& wait) {
  if (!wanted_) {
    wait.report->finish(effects_.now(), "failed", "stopped meanwhile", ExitCode::aborted);
    return true;
  }
  if (live_->all_healthy()) {
    wait.report->add(effects_.now(), "healthy",
                     fmt::format("{}/{}", live_->healthy(), live_->instances().size()));
    wait.report->finish(effects_.now(), "done", live_->name(), ExitCode::done);
    effects_.say(base::LogLevel::info,
                 fmt::format("started app={} generation={}", name_, live_->id().value()));
    return true;
  }
  if (const Instance* lost = live_->first_failure()) {
    wait.report->add(effects_.now(), "cause",
                     fmt::format("{}.{} {}", live_->id().value(), lost->identity().slot.value(),
                                 text(*lost->last_exit())));
    for (const std::string& line : effects_.last_output(lost->identity(), 20)) {
      wait.report->add(effects_.now(), "", line);
    }
    bool again = lost->state() == InstanceState::backoff;
    wait.report->finish(effects_.now(), "failed",
                        fmt::format("{} exited before it was healthy{}", live_->name(),
                                    again ? "; it is started again after a back-off" : ""),
                        ExitCode::exited_before_healthy);
    return true;
  }
  base::Duration waited = effects_.now() - wait.report->began();
  if (waited < live_->spec()->app.deploy.timeout) return false;
  wait.report->finish(effects_.now(), "failed",
                      fmt::format("{}: {}/{} healthy; the others are still being probed", live_->name(),
                                  live_->healthy(), live_->instances().size()),
                      ExitCode::health_timeout);
  return true;
}

void App::forget_ended() {
  std::erase_if(generations_, [this](const auto& generation) {
    if (generation.get() == live_ || !generation->ended()) return false;
    if (deploy_ && deploy_->refers_to(*generation)) return false;
    return std::none_of(finishing_.begin(), finishing_.end(),
                        [&](const auto& deploy) { return deploy->refers_to(*generation); });
  });
}

std::vector<const Generation*> App::generations() const {
  std::vector<const Generation*> all;
  if (live_ != nullptr) all.push_back(live_);
  for (const auto& generation : generations_) {
    if (generation.get() != live_) all.push_back(generation.get());
  }
  return all;
}

void App::add_draining(std::vector<Identity>& into) const {
  for (const auto& generation : generations_) {
    for (const auto& instance : generation->instances()) {
      InstanceState state = instance->state();
      if (state == InstanceState::draining || state == InstanceState::closing) {
        into.push_back(instance->identity());
      }
    }
  }
}

routing::AppMode App::mode() const {
  if (!wanted_) return routing::AppMode::stopped;
  if (live_ == nullptr) return routing::AppMode::hold;
  if (live_->healthy() > 0) return routing::AppMode::live;
  std::optional<base::TimePoint> due = live_->due();
  bool soon = due && *due <= effects_.now() + live_->spec()->app.deploy.hold;
  return soon ? routing::AppMode::hold : routing::AppMode::stopped;
}

std::string_view App::state() const {
  if (live_ == nullptr && deploy_) return "deploying";
  if (live_ == nullptr) return wanted_ ? "starting" : "stopped";
  if (!wanted_) return live_->ended() ? "stopped" : "stopping";
  if (live_->healthy() > 0) return "live";
  bool fatal = false;
  for (const auto& instance : live_->instances()) {
    if (instance->crash_looping()) return "crash-loop";
    if (instance->state() == InstanceState::backoff) return "backoff";
    if (instance->state() == InstanceState::fatal) fatal = true;
  }
  if (fatal) return "fatal";
  return live_->due() ? "starting" : "stopped";
}

bool App::ended() const {
  return std::all_of(generations_.begin(), generations_.end(), [](const auto& g) { return g->ended(); });
}

}  // namespace gracevisor::supervise
