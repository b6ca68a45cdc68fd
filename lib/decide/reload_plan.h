// What a reload does: the difference between the apps as they are and as the files say, as one step for each
// app, and which steps depend on which. Pure. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.h"
#include "spec/spec.h"

namespace gracevisor::decide {

// An app as a reload finds it.
struct ReloadApp {
  enum class Condition : std::uint8_t {
    running,  // or should run
    stopped,  // by a command
    idle,     // never started
    busy,     // a deploy is under way, or it is stopping, or being removed
  };
  std::string name;
  Condition condition = Condition::idle;
  spec::SpecRef now = {};   // what serves, is to serve, or would if it were not stopped; null: nothing
  spec::SpecRef next = {};  // as the files say; null: they have no such app
  bool serves = false;      // running, with a healthy instance
  bool known = false;       // idle: as the files say
  bool deploy = false;      // asked for by name to be deployed, whether or not it differs
  bool outside = false;     // not asked for: only where it is to be reached matters
};

struct ReloadStep {
  enum class Action : std::uint8_t {
    none,    // nothing differs
    adjust,  // settings, and the number of instances; of one that does not run, the rest with its next start
    deploy,  // all of its changes, with the cutover
    start,   // for the first time
    keep,    // it does not run: its next start reads the files
    leave,   // the files have no such app: it stays as it is
    remove,  // so it drains, stops and is forgotten
    skip,    // it is busy
    yield,   // gives away what its heirs have taken over: a second step of an app, which Reload makes
  };
  std::string app;
  Action action = Action::none;
  bool asked = false;  // for a deploy, by name
  std::vector<config::Difference> differences = {};
  std::set<std::string> heirs = {};  // apps that take over routes that this one gives away
  bool held = false;                 // one of the heirs will not serve by this reload
  std::set<std::string> after = {};  // apps whose addresses this one takes over for itself (proxy = "tcp")
};

// "deploy", "at once", …
[[nodiscard]] std::string_view word(ReloadStep::Action action);
// The keys that differ, and what the action alone does not say.
[[nodiscard]] std::string explanation(const ReloadStep& step);

// One step for each app, in their order. `remove`: apps that the files no longer have are removed.
[[nodiscard]] std::vector<ReloadStep> plan_reload(const std::vector<ReloadApp>& apps, bool remove);

// Why the apps could not all be reached once every step is done: two at an address of which one has
// proxy = "tcp", as one of them stays although the files no longer say so.
[[nodiscard]] std::vector<std::string> conflicts(const std::vector<ReloadApp>& apps,
                                                 const std::vector<ReloadStep>& steps);

// `next`, and reached where `now` is as well, or only there if it is to be reached at other listeners: what
// an app with heirs has until these serve.
[[nodiscard]] spec::SpecRef with_former_routes(const spec::SpecRef& next, const spec::Spec& now);

}  // namespace gracevisor::decide
