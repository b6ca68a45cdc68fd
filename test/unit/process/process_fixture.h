// For the tests of Process: a loop with a deadline, an observer that records, and plans of shell commands.
#pragma once

#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loop/loop.h"
#include "process/process.h"
#include "support/local_parent.h"
#include "support/run_until.h"

namespace gracevisor::process::testing {

inline constexpr auto kPatience = std::chrono::seconds(20);

inline const char* name_of(const spawn::ProcessEvent& event) {
  static constexpr std::array kNames = {"running", "exited", "left", "gone", "unkillable"};
  return kNames.at(event.index());
}

struct Recorder final : ProcessObserver, OutputSink {
  int begun = 0;
  std::vector<std::string> events;  // "running", "exited", "gone", "unkillable"
  std::string out;
  std::string err;
  std::optional<spawn::ExitStatus> status;
  std::string out_at_exit;
  std::vector<base::NamedProcess> left;

  ProcessOwner owner() { return {*this, *this}; }
  void take(OutputStream stream, std::string_view bytes) override {
    CHECK(bytes.size() <= 65536);
    (stream == OutputStream::out ? out : err).append(bytes);
  }
  void on_begun() override { ++begun; }
  void on(const spawn::ProcessEvent& event) override {
    events.emplace_back(name_of(event));
    if (const auto* ended = std::get_if<spawn::Ended>(&event)) {
      status = ended->status;
      out_at_exit = out;
    }
    if (const auto* stay = std::get_if<spawn::Left>(&event)) left = stay->processes;
  }

  [[nodiscard]] bool saw(std::string_view event) const {
    for (const auto& one : events) {
      if (one == event) return true;
    }
    return false;
  }
  // The first line of the output, once it is whole.
  [[nodiscard]] std::optional<std::string> first_line() const {
    auto end = out.find('\n');
    return end == std::string::npos ? std::nullopt : std::optional(out.substr(0, end));
  }
};

inline const ChildName kName{.app = "web", .endpoint = "", .generation = 42, .incarnation = 1, .slot = 1};

// With this file for the spawn helper.
inline spawn::Launcher open_launcher(const std::filesystem::path& helper) {
  auto launcher = spawn::Launcher::open({helper});
  REQUIRE_MESSAGE(launcher.has_value(), launcher.error().what);
  return std::move(*launcher);
}

class Bench {
 public:
  Bench() {
    // Orphans come to us, as they do to the daemon: whoever is process 1 here may not reap.
    REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    auto made = loop::Loop::create();
    REQUIRE(made.has_value());
    loop_ = std::move(*made);
    looker_ = std::make_unique<ProcessLooker>(*loop_, ::getpid());
    local = std::make_unique<LocalParent>(*loop_, launcher);
    parent = local.get();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    process.reset();
    local.reset();
    looker_.reset();
    CHECK(loop_->close() == 0);
    CHECK(::prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
  }

  // Turns the loop until `done` holds; false when patience ends first.
  template <class Done>
  bool until(Done done) {
    return test::run_until(*loop_, done);
  }
  bool until(const char* event) {
    return until([this, event] { return seen.saw(event); });
  }

  [[nodiscard]] ProcessSurroundings around() { return {*loop_, *parent, *looker_}; }
  void start(const spawn::SpawnPlan& plan, const ProcessTimes& times = {}, const EndRules& rules = {}) {
    auto started = Process::start(around(), plan, kName, seen.owner(), rules, times);
    REQUIRE(started.has_value());
    process = std::move(*started);
  }
  // Starts it and waits for its end.
  void run(const spawn::SpawnPlan& plan, const ProcessTimes& times = {}) {
    start(plan, times);
    REQUIRE(until("gone"));
  }
  // Starts it and waits for its first line of output.
  std::string start_until_line(const spawn::SpawnPlan& plan) {
    start(plan);
    REQUIRE(until([this] { return seen.first_line().has_value(); }));
    return *seen.first_line();
  }
  loop::Loop& loop() { return *loop_; }
  ProcessLooker& looker() { return *looker_; }

 private:
  std::unique_ptr<loop::Loop> loop_;
  std::unique_ptr<ProcessLooker> looker_;

 public:
  spawn::Launcher launcher = open_launcher(GV_EXEC);
  std::unique_ptr<LocalParent> local;
  Parent* parent = nullptr;
  Recorder seen;
  std::unique_ptr<Process> process;
};

// A plan that runs argv[0], an absolute path, in "/" with the marks of instance web@42.1.
[[nodiscard]] spawn::SpawnPlan command(std::vector<std::string> argv);
[[nodiscard]] spawn::SpawnPlan shell(const std::string& script);

// Whether the process, a child or not, ends within kPatience; a zombie has ended.
[[nodiscard]] bool ends(pid_t pid);

}  // namespace gracevisor::process::testing
