#include "decide/app.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <ranges>

namespace gracevisor::decide {
namespace {

constexpr std::size_t kDrainsAtOnce = 3;

}  // namespace

App::App(base::AppId id, std::string name, base::GenerationId last_generation, const Surroundings& around)
    : id_(id),
      name_(std::move(name)),
      last_generation_(last_generation),
      effects_(around.effects),
      knowledge_(around.knowledge),
      records_(id, name_, around) {}

Generation& App::add_generation(spec::SpecRef spec, Role role, std::optional<base::GenerationId> again) {
  base::GenerationId number = again.value_or(last_generation_.next());
  last_generation_ = std::max(last_generation_, number);
  generations_.push_back(
      std::make_unique<Generation>(id_, number, std::move(spec), role, Surroundings{effects_, knowledge_}));
  return *generations_.back();
}

void App::remember(const std::shared_ptr<Report>& report, const Generation* concerned) {
  if (concerned != nullptr) report->concerns(concerned->id());
  effects_.remember(id_, report);
}

void App::expect_start(bool expected) {
  assert(live_ == nullptr);
  wanted_ = expected;
  effects_.publish();
}

void App::stay_stopped(const spec::Stopped& by, spec::SpecRef spec, base::GenerationId again) {
  assert(live_ == nullptr);
  wanted_ = false;
  stopped_ = by;
  if (spec) live_ = &add_generation(std::move(spec), Role::leaving, again);
  effects_.publish();
}

std::expected<void, Refused> App::start(spec::SpecRef spec, std::shared_ptr<Report> report,
                                        std::optional<base::GenerationId> again) {
  if (auto free = can_deploy(); !free) return free;
  if (runs_already()) {
    report->finish(knowledge_.now(), "done", live_->name() + " runs already", ExitCode::done);
    return {};
  }
  wanted_ = true;
  start_failure_.reset();
  bool was_stopped = std::exchange(stopped_, std::nullopt).has_value();
  bool first = live_ == nullptr;
  if (first) live_ = &add_generation(std::move(spec), Role::live, again);
  if (first || was_stopped) record();
  live_->set_role(Role::live);
  remember(report, live_);
  report->add(
      knowledge_.now(), "start",
      fmt::format("{}  {} instance{}", live_->name(), live_->wanted(), live_->wanted() == 1 ? "" : "s"));
  live_->start();
  effects_.arm(id_, AppTimer::start_timeout, live_->spec()->app.deploy.timeout);
  waits_.push_back({Wait::For::healthy, std::move(report)});
  effects_.publish();
  advance();
  return {};
}

bool App::runs_already() const {
  return wanted_ && live_ != nullptr && live_->role() == Role::live && live_->all_healthy();
}

std::expected<void, Refused> App::can_deploy() const {
  if (removing_) return refused(ExitCode::busy, name_ + " is being removed");
  if (deploy_) {
    return std::unexpected(
        Refused{ExitCode::busy,
                "a deploy is under way: " + deploy_->describe(),
                {fmt::format("gvctl attach {} follows it, gvctl abort {} undoes it", name_, name_)}});
  }
  if (live_ != nullptr && live_->role() == Role::leaving && !live_->ended()) {
    return refused(ExitCode::busy, name_ + " is still stopping");
  }
  return {};
}

std::expected<void, Refused> App::deploy(spec::SpecRef spec, std::shared_ptr<Report> report) {
  if (auto free = can_deploy(); !free) return free;
  Generation& candidate = add_generation(std::move(spec), Role::candidate, std::nullopt);
  remember(report, &candidate);
  last_deploy_ = report;
  Generation* old = live_ != nullptr && !live_->ended() ? live_ : nullptr;
  DeployHost& host = *this;  // private inheritance: only visible from inside
  deploy_ = std::make_unique<Deploy>(id_, candidate, old, host, Surroundings{effects_, knowledge_},
                                     std::move(report));
  deploy_->begin();
  advance();
  return {};
}

void App::abort_deploy() {
  if (deploy_) (void)deploy_->interrupt(Interruption::shutdown, "aborted: the daemon shuts down");
  advance();
}

void App::end_all(Haste haste) {
  for (auto& generation : generations_) {
    switch (haste) {
      case Haste::drain:
        generation->leave(false);
        generation->release();
        break;
      case Haste::signal: generation->stop(); break;
      case Haste::kill: generation->stop_now(); break;
    }
  }
}

void App::shut_down(Haste haste) {
  abort_deploy();
  wanted_ = false;
  records_.try_now();
  end_all(haste);
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
  stopped_.reset();
  if (old != nullptr) old->leave(parked);
  std::size_t draining = 0;
  // Newest last: a generation too old to be among the three youngest that drain is ended.
  for (auto& generation : std::views::reverse(generations_)) {
    if (generation->role() != Role::leaving || generation->ended()) continue;
    if (++draining > kDrainsAtOnce) generation->stop();
  }
}

// What was live before the cutover of the deploy under way.
Generation* App::deployed_from() {
  for (auto& generation : generations_) {
    if (deploy_->refers_to(*generation) && generation.get() != &deploy_->candidate()) return generation.get();
  }
  return live_;
}

void App::cut_back() {
  Generation* bad = live_;
  live_ = deployed_from();
  live_->reinstate();
  bad->leave(false);
}

void App::withdraw() {
  live_ = deployed_from();
}

Instance* App::find(const Identity& who) const {
  for (const auto& generation : generations_) {
    if (Instance* instance = generation->find(who)) return instance;
  }
  return nullptr;
}

template <class Event>
void App::with_instance(const Identity& who, Event event) {
  if (Instance* instance = find(who)) event(*instance);
  advance();
}

void App::on(const Identity& who, const spawn::ProcessEvent& event,
             const std::optional<ListenerOwner>& owner) {
  with_instance(who, [&](Instance& instance) { instance.on(event, owner); });
}

void App::on(const Identity& who, const Probed& probed) {
  with_instance(who, [&](Instance& instance) { instance.on(probed); });
}

void App::on_quiescent(const Identity& who) {
  with_instance(who, [](Instance& instance) { instance.on_quiescent(); });
}

void App::replace(const Identity& who, std::string_view cause) {
  with_instance(who, [&](Instance& instance) { instance.replace(cause); });
}

void App::on_timer(const Identity& who, InstanceTimer timer) {
  with_instance(who, [&](Instance& instance) { instance.on_timer(timer); });
}

void App::on_timer(AppTimer timer) {
  if (timer == AppTimer::record) records_.on_timer();
  if (deploy_) deploy_->on_timer(timer);
  advance();
}

void App::on_recorded(std::uint64_t serial, const base::Expected<void>& written) {
  records_.on_recorded(serial, written);
  if (deploy_) deploy_->on_recorded(serial, written);
  advance();
}

void App::on_adopted(base::Epoch epoch) {
  if (deploy_) deploy_->on_adopted(epoch);
  advance();
}

void App::advance() {
  ++changes_;
  if (start_failure_ && live_ != nullptr && live_->all_healthy()) start_failure_.reset();
  if (live_ != nullptr && live_->role() == Role::live && !guarding()) live_->unroute_failing();
  if (deploy_) {
    deploy_->advance();
    if (!deploy_->holds_slot()) finishing_.push_back(std::move(deploy_));
  }
  for (auto& deploy : finishing_) deploy->advance();
  std::erase_if(finishing_, [](const auto& deploy) { return deploy->phase() == Deploy::Phase::ended; });
  for (auto& generation : generations_) generation->shed_surplus();
  record_ends();
  advance_waits();
  forget_ended();
}

void App::forget_ended() {
  std::erase_if(generations_, [this](const auto& generation) {
    return generation.get() != live_ && !unfinished(*generation);
  });
}

}  // namespace gracevisor::decide
