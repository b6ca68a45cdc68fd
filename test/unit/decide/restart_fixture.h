// A daemon that is killed, and the next one: what the former had on disk and which of its processes are left
// is all that the next one gets. Records pass through their text. Thread: the test's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "spec/slots_record.h"
#include "support/app_fixture.h"

namespace gracevisor::test {

// What a daemon leaves when it is killed.
struct Remains {
  AppState state;
  std::optional<SlotsRecord> slots;
  std::vector<FoundChild> children;

  // The keeper has none of that generation any more.
  void lose(std::uint64_t generation) {
    std::erase_if(children, [generation](const FoundChild& one) {
      return one.who.generation == base::GenerationId(generation);
    });
  }
  void lose(std::uint64_t generation, unsigned slot) {
    std::erase_if(children, [&](const FoundChild& one) {
      return one.who.generation == base::GenerationId(generation) && one.who.slot == base::Slot(slot);
    });
  }
  // It was never written, or is damaged.
  void lose_slots() { slots.reset(); }
};

inline std::shared_ptr<Spec> whole_spec(unsigned instances = 2) {
  auto spec = AppFixture::make_spec(instances);
  spec->program = "/bin/web";
  return spec;
}

// Like AppFixture, but it remembers what is on disk.
struct Former : AppFixture {
  std::optional<AppState> on_disk;

  void write() {
    on_disk = effects.records.back().second;
    written();
  }
  void boot_web(std::shared_ptr<Spec> spec = whole_spec()) {
    boot(std::move(spec));
    on_disk = effects.records.back().second;
  }
  std::shared_ptr<Report> report_of(const std::string& verb, std::uint64_t uid) {
    return std::make_shared<Report>(effects.now(), Command{verb, uid});
  }
  // A deploy, the record of whose begin is on disk.
  std::shared_ptr<Report> begin_deploy(std::shared_ptr<Spec> spec = whole_spec()) {
    auto report = report_of("deploy", 1000);
    REQUIRE(app.deploy(std::move(spec), report).has_value());
    write();
    return report;
  }
  // All that it takes until the guard has begun.
  std::shared_ptr<Report> guard(std::shared_ptr<Spec> spec = whole_spec()) {
    auto report = begin_deploy(std::move(spec));
    heal(2);
    write();
    adopted();
    return report;
  }

  [[nodiscard]] Remains remains() {
    REQUIRE(on_disk.has_value());
    auto state = from_text(to_text(*on_disk));
    CAPTURE((state ? "" : state.error().what));
    REQUIRE(state.has_value());
    auto slots = slots_from_text(to_text(app.slots()));
    REQUIRE(slots.has_value());
    Remains remains{std::move(*state), std::move(*slots), {}};
    for (const Generation* generation : app.generations()) {
      for (const auto& instance : generation->instances()) {
        if (!instance->alive()) continue;
        remains.children.push_back({instance->identity(),
                                    effects.boot_time() - (effects.now() - instance->spawned_at()),
                                    instance->state() != InstanceState::spawning});
      }
    }
    return remains;
  }
};

// The next daemon.
struct Next : AppFixture {
  std::vector<Identity> strangers;

  // `later` after the former one has last moved its clock.
  explicit Next(const Former& former, base::Duration later = std::chrono::milliseconds(50)) {
    effects.advance(former.effects.now() - effects.now() + later);
  }
  void reattach(const Remains& remains) {
    strangers = app.reattach(remains.state, remains.slots ? &*remains.slots : nullptr, remains.children);
  }
  [[nodiscard]] std::uint64_t live() const { return app.live() == nullptr ? 0 : app.live()->id().value(); }
  [[nodiscard]] std::size_t spawns() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(effects.calls, [](const auto& call) { return call.starts_with("spawn "); }));
  }
  // The last line of the newest report; empty: there is none, or it is not finished.
  [[nodiscard]] std::string told() const {
    if (effects.remembered.empty() || !effects.remembered.back()->finished()) return {};
    return effects.remembered.back()->lines().back().text;
  }
  [[nodiscard]] std::optional<ExitCode> exit_code() const {
    if (effects.remembered.empty()) return std::nullopt;
    return effects.remembered.back()->finished() ? effects.remembered.back()->lines().back().exit
                                                 : std::nullopt;
  }
  // One passing probe.
  void prove(std::uint64_t generation) {
    for (const Generation* g : app.generations()) {
      if (g->id().value() != generation) continue;
      for (unsigned slot = 1; slot <= g->instances().size(); ++slot) probe(generation, slot, true);
      return;
    }
  }
  // Whatever was asked to end ends, and what had ended before is gone.
  void end_stopping() {
    std::vector<Identity> ending;
    for (const Generation* g : app.generations()) {
      for (const auto& instance : g->instances()) {
        const InstanceState state = instance->state();
        const bool ends = state == InstanceState::stopping || state == InstanceState::killing ||
                          state == InstanceState::backoff || state == InstanceState::stopped ||
                          state == InstanceState::fatal;
        if (instance->alive() && ends) ending.push_back(instance->identity());
      }
    }
    for (const Identity& who : ending) {
      app.on(who, spawn::Ended{Exited{0}});
      app.on(who, spawn::Gone{});
    }
  }
};

}  // namespace gracevisor::test
