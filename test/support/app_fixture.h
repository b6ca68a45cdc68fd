// One app's deciders with recorded effects, and shorthands to drive them. Thread: the test's.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "support/recording_effects.h"

namespace gracevisor::test {

struct AppFixture {
  RecordingEffects effects;
  App app{base::AppId(1), "web", base::GenerationId(0), {effects, effects}};

  std::size_t owners_asked = 0;

  AppFixture() { effects.app = &app; }

  static std::shared_ptr<Spec> make_spec(unsigned instances = 2) {
    auto spec = std::make_shared<Spec>();
    spec->app.name = "web";
    spec->app.command = {"/bin/web"};
    spec->app.instances = instances;
    spec->app.health.path = "/health";
    spec->app.health.path_given = true;
    spec->app.routes = {config::Route{}};
    spec->app.restart.backoff = base::Millis(500);
    spec->directory = "/srv/web";
    return spec;
  }

  std::shared_ptr<Report> report() { return std::make_shared<Report>(effects.now()); }

  std::expected<void, Refused> stop(Haste haste, std::shared_ptr<Report> report) {
    return app.stop({0, std::chrono::sys_days(std::chrono::May / 1 / 2026)}, haste, std::move(report));
  }

  const Instance& instance(std::uint64_t generation, unsigned slot) {
    for (const Generation* g : app.generations()) {
      if (g->id().value() == generation) return *g->instances().at(slot - 1);
    }
    throw std::logic_error("no such generation");
  }
  const Identity& who(std::uint64_t generation, unsigned slot) {
    return instance(generation, slot).identity();
  }

  void run(std::uint64_t generation, unsigned slot) { app.on(who(generation, slot), spawn::Running{}); }
  void probe(std::uint64_t generation, unsigned slot, bool passes, std::uint64_t in_a_row = 1) {
    routing::ProbeReport result;
    result.tries = in_a_row;
    (passes ? result.passes_in_a_row : result.failures_in_a_row) = in_a_row;
    result.last = passes ? routing::ProbeOutcome::passed : routing::ProbeOutcome::refused;
    app.on(who(generation, slot), Probed{result, owner_for(who(generation, slot), result)});
  }
  // What the world outside would answer: `effects.owner` if the app needs the owner.
  template <class Event>
  std::optional<ListenerOwner> owner_for(const Identity& who, const Event& event) {
    if (!app.needs_owner(who, event)) return std::nullopt;
    ++owners_asked;
    return effects.owner;
  }
  void heal(std::uint64_t generation) {
    for (const Generation* g : app.generations()) {
      if (g->id().value() != generation) continue;
      std::size_t slots = g->instances().size();
      for (unsigned slot = 1; slot <= slots; ++slot) {
        run(generation, slot);
        probe(generation, slot, true);
      }
      return;
    }
  }
  // The process ends, and its group with it.
  void exit(std::uint64_t generation, unsigned slot, ExitStatus status = Exited{0}) {
    Identity gone = who(generation, slot);
    const spawn::ProcessEvent ended = spawn::Ended{status};
    app.on(gone, ended, owner_for(gone, ended));
    app.on(gone, spawn::Gone{});
  }
  // The last record that was requested is on disk.
  void written() { app.on_recorded(effects.records.back().first, {}); }
  // It cannot be written.
  void unwritten() { app.on_recorded(effects.records.back().first, base::fail("disk full")); }
  // The table of this turn is published and every worker has it.
  void adopted() {
    effects.published = effects.published.next();
    app.on_adopted(effects.published);
  }
  // Generation 1 runs and is healthy.
  void boot(std::shared_ptr<Spec> spec = make_spec()) {
    REQUIRE(app.start(std::move(spec), report()).has_value());
    heal(1);
    written();
    adopted();
    effects.forget();
  }
  // Begins a deploy and brings it to the cutover, adopted by all workers.
  std::shared_ptr<Report> cut_over(std::uint64_t generation, std::shared_ptr<Spec> spec) {
    auto result = report();
    REQUIRE(app.deploy(std::move(spec), result).has_value());
    heal(generation);
    written();
    adopted();
    return result;
  }
  // A generation that is leaving: nothing of it is in use any more, and its processes end.
  void drain(std::uint64_t generation) {
    for (const Generation* g : app.generations()) {
      if (g->id().value() != generation) continue;
      std::size_t slots = g->instances().size();
      for (unsigned slot = 1; slot <= slots; ++slot) {
        if (instance(generation, slot).ended()) continue;
        app.on_quiescent(who(generation, slot));
        const InstanceState state = instance(generation, slot).state();
        if (state == InstanceState::stopping || state == InstanceState::killing) exit(generation, slot);
      }
      return;
    }
  }
  static std::string phases(const Report& report) {
    std::string all;
    for (const ReportLine& line : report.lines()) all += (all.empty() ? "" : " ") + line.phase;
    return all;
  }
};

}  // namespace gracevisor::test
