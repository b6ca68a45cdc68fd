// Effects that record what was asked for, Knowledge that the test sets, and a clock that only the test moves.
// Timers fire from advance(). Thread: the test's.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "decide/app.h"
#include "decide/fact_log.h"
#include "decide/fact_receipt.h"

namespace gracevisor::test {

using namespace gracevisor::decide;
using namespace gracevisor::spec;
using spawn::Exited;
using spawn::ExitStatus;
using spawn::Signaled;
using spawn::SpawnFailed;
using spawn::SpawnStage;

class RecordingEffects final : public Effects, public Knowledge {
 public:
  // Everything asked for, in order: "spawn 1.1", "signal 1.2 15", "kill 1.1", "close 1.1", "record live=2",
  // "publish".
  std::vector<std::string> calls;
  std::map<Identity, EndpointCounts> endpoint_counts;
  AppCounts app_counts;
  ListenerOwner owner{Ownership::own, "", {}};  // of every address, whenever it is asked for
  std::string port_holder;                      // what is found out of PortBusy
  std::string where = "place";
  std::vector<std::string> output;
  std::vector<std::pair<std::uint64_t, AppState>> records;  // serial, state
  std::vector<std::shared_ptr<Report>> remembered;
  base::Epoch published;
  std::vector<std::size_t> late;
  std::string boot = "boot-1";
  App* app = nullptr;                // gets the timers
  StartLimit starts{1'000'000'000};  // of them, unless the test says otherwise, none waits

  [[nodiscard]] std::size_t count(const std::string& call) const {
    return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), call));
  }
  void forget() { calls.clear(); }

  // Moves the clock and fires what becomes due, in order.
  void advance(base::Duration by) {
    base::TimePoint end = now_ + by;
    while (true) {
      auto due = std::min_element(timers_.begin(), timers_.end(),
                                  [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
      if (due == timers_.end() || due->second.at > end) break;
      now_ = std::max(now_, due->second.at);
      auto fire = std::move(due->second.fire);
      timers_.erase(due);
      fire();
    }
    now_ = end;
  }
  [[nodiscard]] std::size_t armed() const { return timers_.size(); }

  [[nodiscard]] base::TimePoint now() const override { return now_; }
  [[nodiscard]] base::BootTime boot_time() const override {
    return base::BootTime(std::chrono::hours(5) + now_.time_since_epoch());
  }
  [[nodiscard]] const std::string& boot_id() const override { return boot; }
  // Those whose turn it is begin to start.
  void grant_starts() {
    while (const auto who = starts.next()) {
      if (!app->on_may_start(*who)) starts.end(*who);
    }
  }
  [[nodiscard]] bool ask_start(const Identity& who, Urgency urgency) override {
    return starts.ask(who, urgency);
  }
  void count_start(const Identity& who) override { starts.count(who); }
  void end_start(const Identity& who) override { starts.end(who); }
  void spawn(const Identity& who, const SpecRef& /*spec*/) override { calls.push_back("spawn " + name(who)); }
  void signal(const Identity& who, int number, config::Stop::Scope /*scope*/) override {
    calls.push_back("signal " + name(who) + " " + std::to_string(number));
  }
  void pass_signal(const Identity& who, int number, config::Stop::Scope /*scope*/) override {
    calls.push_back("pass " + name(who) + " " + std::to_string(number));
  }
  void kill_tree(const Identity& who) override { calls.push_back("kill " + name(who)); }
  void arm(const Identity& who, InstanceTimer timer, base::Duration after) override {
    timers_[{who, static_cast<int>(timer)}] = {now_ + after,
                                               [this, who, timer] { app->on_timer(who, timer); }};
  }
  void disarm(const Identity& who, InstanceTimer timer) override {
    timers_.erase({who, static_cast<int>(timer)});
  }
  void arm(base::AppId /*id*/, AppTimer timer, base::Duration after) override {
    timers_[{Identity{}, 100 + static_cast<int>(timer)}] = {now_ + after,
                                                            [this, timer] { app->on_timer(timer); }};
  }
  void disarm(base::AppId /*id*/, AppTimer timer) override {
    timers_.erase({Identity{}, 100 + static_cast<int>(timer)});
  }
  base::Epoch publish() override {
    calls.emplace_back("publish");
    return published.next();
  }
  void close_endpoint(const Identity& who) override { calls.push_back("close " + name(who)); }
  void open_window(base::AppId /*id*/) override {}
  void record(base::AppId /*id*/, const AppState& state, std::uint64_t serial) override {
    calls.push_back("record live=" + std::to_string(state.live.value()));
    records.emplace_back(serial, state);
  }
  [[nodiscard]] EndpointCounts counts(const Identity& who) const override {
    auto it = endpoint_counts.find(who);
    return it == endpoint_counts.end() ? EndpointCounts{} : it->second;
  }
  [[nodiscard]] AppCounts counts(base::AppId /*id*/) const override { return app_counts; }
  [[nodiscard]] Whereabouts place(const Identity& who) const override {
    return {static_cast<std::uint64_t>(who.slot.value()), where + "-" + name(who)};
  }
  [[nodiscard]] std::vector<std::string> last_output(const Identity& /*who*/,
                                                     std::size_t /*lines*/) const override {
    return output;
  }
  [[nodiscard]] std::vector<std::size_t> late_workers() const override { return late; }
  void remember(base::AppId /*app*/, const std::shared_ptr<Report>& report) override {
    remembered.push_back(report);
  }
  void tell(Fact fact, Report* receipt) override {
    auto* failed = std::get_if<fact::ProbeFailed>(&fact.what);
    if (failed != nullptr && failed->owner) failed->owner = owner;
    if (auto* busy = std::get_if<fact::PortBusy>(&fact.what)) busy->holder = port_holder;
    if (auto line = log_text(fact)) calls.push_back("say " + line->text);
    if (receipt != nullptr) add_line(fact, *receipt);
  }

  static std::string name(const Identity& who) {
    return std::to_string(who.generation.value()) + "." + std::to_string(who.slot.value());
  }

 private:
  struct Due {
    base::TimePoint at;
    std::function<void()> fire;
  };
  base::TimePoint now_{std::chrono::hours(1)};
  std::map<std::pair<Identity, int>, Due> timers_;
};

}  // namespace gracevisor::test
