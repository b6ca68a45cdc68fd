#include "supervise/strays.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/one_line.h"
#include "base/signal_name.h"

namespace gracevisor::supervise {

class Strays::Stray final : private process::ProcessObserver, private process::OutputSink {
 public:
  Stray(Strays& strays, std::string app, std::string name, config::Stop stop)
      : strays_(strays),
        app_(std::move(app)),
        name_(std::move(name)),
        stop_(std::move(stop)),
        timer_(strays.around_.loop, [this] { climb(); }) {}

  void begin(process::FoundChild child, std::optional<inspect::ProcessMarks> marks) {
    process_ =
        process::Process::reattach(strays_.around_, std::move(child), std::move(marks), {*this, *this});
    climb();
  }
  void kill() {
    timer_.stop();
    process_->kill_tree();
  }
  [[nodiscard]] const std::string& app() const { return app_; }
  [[nodiscard]] bool gone() const { return gone_; }
  [[nodiscard]] pid_t pid() const { return process_->pid().value(); }

 private:
  void climb() {
    if (rung_ == stop_.ladder.size()) {
      strays_.log_.warning("stray {} signal=KILL", name_);
      kill();
      return;
    }
    const config::StopStep& step = stop_.ladder[rung_++];
    strays_.log_.warning("stray {} signal={}", name_, base::signal_name(step.signal));
    process_->signal(step.signal,
                     stop_.scope == config::Stop::Scope::main ? process::Whom::main : process::Whom::group);
    timer_.start(step.wait);
  }

  void on_begun() override {}
  void on(const spawn::ProcessEvent& event) override {
    if (const auto* ended = std::get_if<spawn::Ended>(&event)) {
      strays_.log_.warning("stray {} status=\"{}\"", name_, base::quotable(text(ended->status)));
    } else if (std::holds_alternative<spawn::Unkillable>(event)) {
      strays_.log_.error("stray {} cause=\"it outlives SIGKILL\"", name_);
    } else if (std::holds_alternative<spawn::Gone>(event)) {
      timer_.stop();
      gone_ = true;
      strays_.next_turn_.ask();
    }
  }
  // Whoever would keep it is not known.
  void take(process::OutputStream /*stream*/, std::string_view /*bytes*/) override {}

  Strays& strays_;
  std::string app_;
  std::string name_;  // for the log
  config::Stop stop_;
  std::size_t rung_ = 0;
  bool gone_ = false;
  loop::Timer timer_;
  std::unique_ptr<process::Process> process_;
};

Strays::Strays(const process::ProcessSurroundings& around, base::Log& log, std::function<void()> changed)
    : around_(around),
      log_(log),
      changed_(std::move(changed)),
      next_turn_(around.loop, [this] { forget_ended(); }) {}

Strays::~Strays() = default;

void Strays::end(KeptChild child, const config::Stop& stop, std::optional<inspect::ProcessMarks> marks,
                 const std::string& why) {
  std::string name = fmt::format("app={} instance={}.{} pid={}", base::quotable(child.app),
                                 child.generation.value(), child.slot.value(), child.process.pid);
  log_.warning("stray {} cause=\"{}\"", name, base::quotable(why));
  strays_.push_back(std::make_unique<Stray>(*this, std::move(child.app), std::move(name), stop));
  strays_.back()->begin(std::move(child.process), std::move(marks));
}

void Strays::kill() {
  for (const auto& stray : strays_) stray->kill();
}

void Strays::abandon() {
  strays_.clear();
  next_turn_.stop();
}

bool Strays::any_of(const std::string& app) const {
  return std::ranges::any_of(strays_, [&app](const auto& stray) { return stray->app() == app; });
}

std::vector<pid_t> Strays::pids() const {
  std::vector<pid_t> pids;
  pids.reserve(strays_.size());
  for (const auto& stray : strays_) pids.push_back(stray->pid());
  return pids;
}

void Strays::forget_ended() {
  std::erase_if(strays_, [](const auto& stray) { return stray->gone(); });
  changed_();
}

}  // namespace gracevisor::supervise
