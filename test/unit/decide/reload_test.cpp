#include "decide/reload.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace gracevisor;
using namespace gracevisor::decide;

namespace {

using Action = ReloadStep::Action;
using Condition = ReloadApp::Condition;
using base::ExitCode;

std::shared_ptr<spec::Spec> spec_of(const std::string& name, const std::string& host = "") {
  auto spec = std::make_shared<spec::Spec>();
  spec->app.name = name;
  spec->app.command = {"/bin/" + name};
  spec->app.listen = {"public"};
  spec->app.routes = {config::Route{.host = host.empty() ? name + ".test" : host, .source = {}}};
  config::Listener& listener = spec->listeners.emplace_back();
  listener.name = "public";
  listener.addresses = {base::Address::tcp_loopback(base::Port(80))};
  return spec;
}

std::shared_ptr<spec::Spec> changed(const std::shared_ptr<spec::Spec>& spec, const auto& change) {
  auto copy = std::make_shared<spec::Spec>(*spec);
  change(*copy);
  return copy;
}

void add_argument(spec::Spec& spec) {
  spec.app.command.emplace_back("--more");
}
void add_instance(spec::Spec& spec) {
  ++spec.app.instances;
}
void add_both(spec::Spec& spec) {
  add_argument(spec);
  add_instance(spec);
}

ReloadApp running(const spec::SpecRef& now, const spec::SpecRef& next) {
  return {now->app.name, Condition::running, now, next, true};
}

ReloadStep only_step(const ReloadApp& app, bool remove = false) {
  auto steps = plan_reload({app}, remove);
  REQUIRE(steps.size() == 1);
  CHECK(steps.front().app == app.name);
  return steps.front();
}

std::vector<std::string> names(const std::vector<ReloadStep>& steps) {
  std::vector<std::string> result;
  for (const ReloadStep& step : steps) result.push_back(step.app);
  return result;
}
using Names = std::vector<std::string>;

ReloadStep step(const std::string& app, Action action, std::set<std::string> heirs = {}) {
  return {.app = app, .action = action, .differences = {}, .heirs = std::move(heirs)};
}

}  // namespace

TEST_CASE("reload: what differs decides what happens to an app that runs") {
  auto now = spec_of("web");
  CHECK(only_step(running(now, spec_of("web"))).action == Action::none);
  ReloadStep scaled = only_step(running(now, changed(now, add_instance)));
  CHECK(scaled.action == Action::adjust);
  CHECK(explanation(scaled) == "instances");
  ReloadStep deployed = only_step(running(now, changed(now, add_both)));
  CHECK(deployed.action == Action::deploy);
  CHECK(explanation(deployed) == "command, instances");
}

TEST_CASE("reload: an app that does not run is adjusted as far as that needs no process") {
  auto now = spec_of("web");
  auto stopped = [&](const auto& change) {
    return only_step({"web", Condition::stopped, now, changed(now, change)});
  };
  ReloadStep later = stopped(add_argument);
  CHECK(later.action == Action::keep);
  CHECK(explanation(later) == "command: with its next start");
  ReloadStep both = stopped(add_both);
  CHECK(both.action == Action::adjust);
  CHECK(explanation(both) == "instances; command with its next start");
}

TEST_CASE("reload: an app that was never started is, if the files say so") {
  ReloadStep started = only_step({"web", Condition::idle, nullptr, spec_of("web")});
  CHECK(started.action == Action::start);
  CHECK(explanation(started) == "new");
  auto manual = changed(spec_of("web"), [](spec::Spec& spec) { spec.app.autostart = false; });
  ReloadStep kept = only_step({"web", Condition::idle, nullptr, manual});
  CHECK(kept.action == Action::keep);
  CHECK(explanation(kept) == "new, and not started: autostart is off, or it was stopped");
  CHECK(only_step({"web", Condition::idle, nullptr, manual, false, true}).action == Action::none);
  CHECK(only_step({"web", Condition::stopped, nullptr, spec_of("web")}).action == Action::keep);
}

TEST_CASE("reload: an app that the files no longer have is left alone unless it is to be removed") {
  auto now = spec_of("web");
  CHECK(only_step(running(now, nullptr)).action == Action::leave);
  CHECK(only_step(running(now, nullptr), true).action == Action::remove);
  CHECK(only_step({"web", Condition::stopped, now, nullptr}, true).action == Action::remove);
}

TEST_CASE("reload: a busy app is skipped unless nothing of it differs") {
  auto now = spec_of("web");
  auto busy = [&](const spec::SpecRef& next, bool remove = false) {
    return only_step({"web", Condition::busy, now, next}, remove).action;
  };
  CHECK(busy(spec_of("web")) == Action::none);
  CHECK(busy(changed(now, add_argument)) == Action::skip);
  CHECK(busy(nullptr, true) == Action::skip);
}

TEST_CASE(
    "reload: an app that should be deployed and is busy is named, and the others alone are no success") {
  ReloadApp busy{"api", Condition::busy, spec_of("api"), spec_of("api")};
  ReloadApp idle = running(spec_of("web"), spec_of("web"));
  busy.deploy = idle.deploy = true;
  Reload both(plan_reload({busy, idle}, false));
  CHECK(both.summary().contains("1 busy"));
  for (const ReloadStep& step : both.next()) both.done(step.app, base::ExitCode::done);
  CHECK(both.exit() == base::ExitCode::some_failed);
  CHECK(Reload(plan_reload({busy}, false)).exit() == base::ExitCode::busy);
  CHECK(explanation(plan_reload({busy}, false).front()).ends_with("deploy again after it"));
}

TEST_CASE("reload: a route that moves to an app still to be started is given away once that serves") {
  auto old = spec_of("old", "site.test");
  auto bystander = spec_of("bystander");
  const std::vector<ReloadApp> apps = {running(old, spec_of("old", "other.test")),
                                       {"fresh", Condition::idle, nullptr, spec_of("fresh", "site.test")},
                                       running(bystander, changed(bystander, add_argument))};
  auto steps = plan_reload(apps, false);
  CHECK(steps.at(0).action == Action::adjust);
  CHECK(steps.at(0).heirs == std::set<std::string>{"fresh"});
  CHECK(explanation(steps.at(0)) == "route; routes go to fresh once it serves");
  CHECK(steps.at(1).heirs.empty());
  CHECK(steps.at(2).heirs.empty());
  auto first = with_former_routes(apps[0].next, *apps[0].now);
  REQUIRE(first->app.routes.size() == 2);
  CHECK(first->app.routes[0].host == "other.test");
  CHECK(first->app.routes[1].host == "site.test");
}

TEST_CASE(
    "reload: an heir is who takes over part of what was served, at the same address whatever its name") {
  auto old = spec_of("old", "site.test");
  old->app.routes.front().host = "";
  auto narrow = changed(old, [](spec::Spec& spec) { spec.app.routes.front().host = "a.test"; });
  auto elsewhere = changed(spec_of("own", "b.test"), [](spec::Spec& spec) {
    spec.listeners.front().name = "127.0.0.1:80";
    spec.app.listen = {"127.0.0.1:80"};
  });
  auto other_port = changed(spec_of("far", "b.test"), [](spec::Spec& spec) {
    spec.listeners.front().addresses = {base::Address::tcp_loopback(base::Port(81))};
  });
  auto steps = plan_reload({running(old, narrow),
                            {"own", Condition::idle, nullptr, elsewhere},
                            {"far", Condition::idle, nullptr, other_port}},
                           false);
  CHECK(steps.at(0).heirs == std::set<std::string>{"own"});
}

TEST_CASE("reload: an app is removed once the one that takes over its routes serves") {
  auto old = spec_of("old", "site.test");
  auto heir = spec_of("heir");
  auto next = changed(heir, [](spec::Spec& spec) {
    add_argument(spec);
    spec.app.routes.front().host = "site.test";
  });
  auto steps = plan_reload({running(old, nullptr), running(heir, next)}, true);
  CHECK(steps.at(0).action == Action::remove);
  CHECK(steps.at(0).heirs == std::set<std::string>{"heir"});
}

TEST_CASE("reload: two apps that are deployed with each other's routes are each other's heirs") {
  auto a = spec_of("a");
  auto b = spec_of("b");
  auto with_host = [](const std::string& host) {
    return [host](spec::Spec& spec) {
      add_argument(spec);
      spec.app.routes.front().host = host;
    };
  };
  auto steps = plan_reload(
      {running(a, changed(a, with_host("b.test"))), running(b, changed(b, with_host("a.test")))}, false);
  CHECK(steps.at(0).heirs == std::set<std::string>{"b"});
  CHECK(steps.at(1).heirs == std::set<std::string>{"a"});
  Reload reload(steps);
  CHECK(reload.next().size() == 2);
  reload.done("a", ExitCode::done);
  CHECK(reload.next().empty());
  reload.done("b", ExitCode::done);
  auto yields = reload.next();
  CHECK(names(yields) == Names{"a", "b"});
  CHECK(yields.front().action == Action::yield);
  CHECK_FALSE(reload.over());
  for (const char* name : {"a", "b"}) reload.done(name, ExitCode::done);
  CHECK(reload.over());
  CHECK(reload.summary() == "2 deployed");
}

TEST_CASE("reload: nothing is given away to a busy app") {
  auto old = spec_of("old", "site.test");
  auto heir = spec_of("heir", "site.test");
  for (bool same : {true, false}) {
    ReloadApp busy{"heir", Condition::busy, same ? heir : spec_of("heir"), heir};
    auto steps = plan_reload({running(old, spec_of("old", "other.test")), busy}, false);
    CHECK(steps.at(0).heirs == std::set<std::string>{"heir"});
    Reload reload(steps);
    CHECK(names(reload.at_once()) == Names{"old"});
    CHECK(reload.next().empty());
    CHECK(names(reload.take_given_up()) == Names{"old"});
    CHECK(reload.over());
  }
}

TEST_CASE("reload: nothing is given away to an app that runs and does not serve") {
  auto old = spec_of("old", "site.test");
  auto heir = spec_of("heir");
  ReloadApp looping{"heir", Condition::running, heir, spec_of("heir", "site.test")};
  auto steps = plan_reload({running(old, spec_of("old", "other.test")), looping}, false);
  CHECK(steps.at(0).heirs == std::set<std::string>{"heir"});
  CHECK(steps.at(0).held);
  looping.serves = true;
  CHECK(plan_reload({running(old, spec_of("old", "other.test")), looping}, false).at(0).heirs.empty());
}

TEST_CASE(
    "reload: until its heir serves an app is reached where it was, also as a default and at other "
    "addresses") {
  auto old = changed(spec_of("old"), [](spec::Spec& spec) {
    spec.listeners.front().default_app = "old";
    spec.listeners.front().addresses.push_back(base::Address::tcp_loopback(base::Port(81)));
  });
  auto next = changed(old, [](spec::Spec& spec) {
    spec.listeners.front().default_app = "other";
    spec.listeners.front().addresses.pop_back();
  });
  auto kept = with_former_routes(next, *old);
  REQUIRE(kept->listeners.size() == 1);
  CHECK(kept->listeners.front().default_app == "old");
  CHECK(kept->listeners.front().addresses.size() == 2);
  auto elsewhere = changed(old, [](spec::Spec& spec) {
    spec.app.listen = {"internal"};
    spec.app.routes.front().host = "";
    spec.listeners.front().name = "internal";
  });
  auto whole = with_former_routes(elsewhere, *old);
  CHECK(whole->app.listen == old->app.listen);
  CHECK(whole->app.routes == old->app.routes);
  CHECK(whole->listeners.size() == 1);
}

TEST_CASE("reload: who takes over an address of a tcp app waits for it") {
  auto tcp = [](const std::string& name) {
    return changed(spec_of(name), [](spec::Spec& spec) { spec.app.protocol = config::Protocol::tcp; });
  };
  auto steps =
      plan_reload({{"fresh", Condition::idle, nullptr, tcp("fresh")}, running(tcp("old"), nullptr)}, true);
  CHECK(steps.at(0).after == std::set<std::string>{"old"});
  CHECK(steps.at(1).heirs.empty());
  Reload reload(steps);
  CHECK(names(reload.next()) == Names{"old"});
  CHECK(reload.next().empty());
  reload.done("old", ExitCode::done);
  CHECK(names(reload.next()) == Names{"fresh"});
}

TEST_CASE("reload: two that wait for each other's addresses do not wait for ever") {
  Reload reload({{.app = "a", .action = Action::deploy, .differences = {}, .after = {"b"}},
                 {.app = "b", .action = Action::deploy, .differences = {}, .after = {"a"}}});
  CHECK(names(reload.next()) == Names{"a"});
  reload.done("a", ExitCode::preflight_failed);
  CHECK(names(reload.next()) == Names{"b"});
  reload.done("b", ExitCode::done);
  CHECK(reload.over());
  CHECK(reload.exit() == ExitCode::some_failed);
}

TEST_CASE("reload: an app that is left alone keeps its address for itself, if it is a tcp app's") {
  auto old = changed(spec_of("old"), [](spec::Spec& spec) { spec.app.protocol = config::Protocol::tcp; });
  const std::vector<ReloadApp> apps = {running(old, nullptr),
                                       {"web", Condition::idle, nullptr, spec_of("web")}};
  CHECK(conflicts(apps, plan_reload(apps, false)) ==
        std::vector<std::string>{
            R"(127.0.0.1:80 would be used by old and web, and proxy = "tcp" needs a listener )"
            "of its own"});
  CHECK(conflicts(apps, plan_reload(apps, true)).empty());
}

TEST_CASE("reload: what needs no deploy comes first, then a few deploys at a time") {
  std::vector<ReloadStep> steps;
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) steps.push_back(step(name, Action::deploy));
  steps.push_back(step("quick", Action::adjust));
  steps.push_back(step("same", Action::none));
  Reload reload(steps);
  CHECK(names(reload.at_once()) == Names{"quick"});
  CHECK(reload.at_once().empty());
  CHECK(names(reload.next()) == Names{"a", "b", "c", "d"});
  CHECK(reload.next().empty());
  reload.done("c", ExitCode::done);
  CHECK(names(reload.next()) == Names{"e"});
  for (const char* name : {"a", "b", "d"}) reload.done(name, ExitCode::done);
  CHECK(names(reload.next()) == Names{"f"});
  reload.done("e", ExitCode::done);
  CHECK_FALSE(reload.over());
  reload.done("f", ExitCode::done);
  CHECK(reload.over());
  CHECK(reload.exit() == ExitCode::done);
  CHECK(reload.summary() == "6 deployed, 1 changed at once");
}

TEST_CASE("reload: what is given away waits for the heirs, and is not given to one that failed") {
  Reload reload({step("giver", Action::adjust, {"good", "late"}), step("loser", Action::remove, {"bad"}),
                 step("good", Action::deploy), step("late", Action::start), step("bad", Action::deploy)});
  CHECK(names(reload.at_once()) == Names{"giver"});  // with what its heirs do not serve yet
  CHECK(names(reload.next()) == Names{"good", "late", "bad"});
  reload.done("good", ExitCode::done);
  CHECK(reload.next().empty());
  reload.done("bad", ExitCode::exited_before_healthy);
  CHECK(reload.next().empty());
  CHECK(names(reload.take_given_up()) == Names{"loser"});
  CHECK(reload.take_given_up().empty());
  CHECK_FALSE(reload.over());
  reload.done("late", ExitCode::done);
  auto yields = reload.next();
  CHECK(names(yields) == Names{"giver"});
  CHECK(yields.front().action == Action::yield);
  reload.done("giver", ExitCode::done);
  CHECK(reload.over());
  CHECK(reload.summary() == "1 changed at once, 1 left as they were, 1 deployed, 1 started, 1 failed");
  CHECK(reload.exit() == ExitCode::some_failed);
}

TEST_CASE("reload: the exit code is that of the only app, or says that some failed, or that all were busy") {
  Reload one({step("a", Action::deploy), step("b", Action::none)});
  (void)one.next();
  one.done("a", ExitCode::health_timeout);
  CHECK(one.exit() == ExitCode::health_timeout);
  CHECK(Reload({step("a", Action::skip), step("b", Action::none)}).exit() == ExitCode::busy);
  Reload partly({step("a", Action::skip), step("b", Action::adjust)});
  (void)partly.at_once();
  CHECK(partly.exit() == ExitCode::done);
  Reload nothing({step("a", Action::none)});
  CHECK(nothing.over());
  CHECK(nothing.exit() == ExitCode::done);
  CHECK(nothing.summary().empty());
}
