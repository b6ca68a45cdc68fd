#include "decide/reload_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/listed.h"

namespace gracevisor::decide {
namespace {

using Action = ReloadStep::Action;
using Condition = ReloadApp::Condition;

// Where clients reach an app.
struct Place {
  std::string address;
  std::string host;
  std::string path;
  bool operator==(const Place&) const = default;
};

bool is_tcp(const spec::SpecRef& spec) {
  return spec && config::is_routed(spec->app.endpoint) && spec->app.protocol == config::Protocol::tcp;
}

std::set<std::string> addresses(const spec::SpecRef& spec) {
  std::set<std::string> result;
  if (!spec || !config::is_routed(spec->app.endpoint)) return result;
  for (const config::Listener& listener : spec->listeners) {
    for (const base::Address& address : listener.addresses) result.insert(address.text());
  }
  return result;
}

std::vector<Place> places(const spec::SpecRef& spec) {
  std::vector<Place> result;
  if (!spec || !config::is_routed(spec->app.endpoint) || is_tcp(spec)) return result;
  for (const config::Listener& listener : spec->listeners) {
    for (const base::Address& address : listener.addresses) {
      for (const config::Route& route : spec->app.routes) {
        result.push_back({address.text(), route.host, route.path});
      }
      if (listener.default_app == spec->app.name) result.push_back({address.text(), "", "/"});
    }
  }
  return result;
}

// May a request belong to both? Rather yes than no.
bool overlap(const Place& one, const Place& other) {
  auto any = [](const std::string& host) { return host.empty() || host.starts_with("*."); };
  const bool hosts = one.host == other.host || any(one.host) || any(other.host);
  return one.address == other.address && hosts &&
         (one.path.starts_with(other.path) || other.path.starts_with(one.path));
}

std::vector<Place> given(const ReloadApp& app) {
  std::vector<Place> result = places(app.now);
  const std::vector<Place> stay = places(app.next);
  std::erase_if(result, [&](const Place& one) { return std::ranges::find(stay, one) != stay.end(); });
  return result;
}

Action action_of(const ReloadApp& app, const std::vector<config::Difference>& differences, bool remove) {
  const bool same = app.now && app.next && differences.empty();
  if (app.deploy && app.next) {
    if (app.condition == Condition::busy) return Action::skip;
    return app.now || app.condition != Condition::idle ? Action::deploy : Action::start;
  }
  if (app.outside || same || (app.condition == Condition::idle && app.known)) return Action::none;
  if (app.condition == Condition::busy) return Action::skip;
  if (!app.next) return remove ? Action::remove : Action::leave;
  if (app.condition == Condition::idle && app.next->app.autostart) return Action::start;
  if (!app.now) return Action::keep;
  if (app.condition == Condition::running) {
    return std::ranges::any_of(differences, &config::Difference::takes_deploy) ? Action::deploy
                                                                               : Action::adjust;
  }
  return std::ranges::all_of(differences, &config::Difference::takes_deploy) ? Action::keep : Action::adjust;
}

bool gives(const ReloadApp& app, Action action) {
  return app.condition == Condition::running &&
         (action == Action::adjust || action == Action::deploy || action == Action::remove);
}

// Does it serve what the files say as soon as what is at once is done?
bool takes_at_once(const ReloadApp& app, Action action) {
  return app.serves && (action == Action::adjust || action == Action::none) && !app.outside;
}

bool takes_over(const ReloadApp& app, const std::vector<Place>& left) {
  std::vector<Place> wanted = places(app.next);
  if (app.condition == Condition::running) {
    const std::vector<Place> had = places(app.now);
    std::erase_if(wanted, [&](const Place& one) { return std::ranges::find(had, one) != had.end(); });
  }
  return std::ranges::any_of(left, [&](const Place& place) {
    return std::ranges::any_of(wanted, [&](const Place& one) { return overlap(place, one); });
  });
}

// Does `taker` get an address that `giver` has now, which they cannot share?
bool displaces(const ReloadApp& taker, const ReloadApp& giver) {
  if (!is_tcp(taker.next) && !is_tcp(giver.now)) return false;
  const std::set<std::string> stay = addresses(giver.next);
  const std::set<std::string> wanted = addresses(taker.next);
  return std::ranges::any_of(addresses(giver.now), [&](const std::string& address) {
    return wanted.contains(address) && (!stay.contains(address) || is_tcp(giver.now) != is_tcp(giver.next));
  });
}

void find_displaced(const std::vector<ReloadApp>& apps, std::vector<ReloadStep>& steps) {
  for (std::size_t giver = 0; giver < apps.size(); ++giver) {
    if (!gives(apps[giver], steps[giver].action)) continue;
    for (std::size_t taker = 0; taker < apps.size(); ++taker) {
      if (taker == giver || steps[taker].action == Action::none) continue;
      if (displaces(apps[taker], apps[giver])) steps[taker].after.insert(apps[giver].name);
    }
  }
}

void find_heirs(std::size_t giver, const std::vector<ReloadApp>& apps, std::vector<ReloadStep>& steps) {
  const std::vector<Place> left = given(apps[giver]);
  for (std::size_t taker = 0; taker < apps.size(); ++taker) {
    const ReloadStep& step = steps[taker];
    const bool waits = !step.after.empty();
    if (taker == giver || !apps[taker].next || displaces(apps[taker], apps[giver])) continue;
    if ((takes_at_once(apps[taker], step.action) && !waits) || !takes_over(apps[taker], left)) continue;
    steps[giver].heirs.insert(apps[taker].name);
    const bool comes = step.action == Action::deploy || step.action == Action::start ||
                       (step.action == Action::adjust && waits && apps[taker].serves);
    steps[giver].held |= !comes;
  }
}

// Those of an app that does not run may need a start.
std::string adjusted_keys(const std::vector<config::Difference>& differences) {
  const auto takes_deploy = std::mem_fn(&config::Difference::takes_deploy);
  const std::string now = spec::names_of(differences, std::not_fn(takes_deploy));
  const std::string later = spec::names_of(differences, takes_deploy);
  return later.empty() ? now : fmt::format("{}; {} with its next start", now, later);
}

}  // namespace

std::string_view word(Action action) {
  switch (action) {
    case Action::none: return "same";
    case Action::adjust: return "at once";
    case Action::deploy: return "deploy";
    case Action::start: return "start";
    case Action::keep: return "later";
    case Action::leave: return "leave";
    case Action::remove: return "remove";
    case Action::skip: return "busy";
    case Action::yield: return "yield";
  }
  return "?";
}

std::string explanation(const ReloadStep& step) {
  const std::string keys = spec::names_of(step.differences);
  const std::string heirs = base::listed(step.heirs);
  const std::string yields = heirs.empty() ? "" : fmt::format("; routes go to {} once it serves", heirs);
  switch (step.action) {
    case Action::none: return "";
    case Action::adjust: return adjusted_keys(step.differences) + yields;
    case Action::deploy: return (keys.empty() ? "as it is" : keys) + yields;
    case Action::start: return "new";
    case Action::keep:
      return keys.empty() ? "new, and not started: autostart is off, or it was stopped"
                          : keys + ": with its next start";
    case Action::leave: return "no longer in the files; --remove drains and stops it";
    case Action::remove:
      return "no longer in the files" +
             (heirs.empty() ? "" : fmt::format(", once {} serves its routes", heirs));
    case Action::skip:
      return fmt::format("a deploy or a stop is under way: {} again after it",
                         step.asked ? "deploy" : "reload");
    case Action::yield: return "its routes to " + heirs;
  }
  return "";
}

std::vector<ReloadStep> plan_reload(const std::vector<ReloadApp>& apps, bool remove) {
  std::vector<ReloadStep> steps;
  for (const ReloadApp& app : apps) {
    ReloadStep& step = steps.emplace_back(ReloadStep{.app = app.name, .asked = app.deploy});
    if (app.now && app.next) step.differences = spec::differences(*app.now, *app.next);
    step.action = action_of(app, step.differences, remove);
  }
  find_displaced(apps, steps);
  for (std::size_t giver = 0; giver < apps.size(); ++giver) {
    if (gives(apps[giver], steps[giver].action)) find_heirs(giver, apps, steps);
  }
  return steps;
}

std::vector<std::string> conflicts(const std::vector<ReloadApp>& apps, const std::vector<ReloadStep>& steps) {
  std::vector<std::string> result;
  std::map<std::string, const spec::Spec*> owners;  // by address
  for (std::size_t i = 0; i < apps.size(); ++i) {
    const Action action = steps[i].action;
    if (action == Action::remove) continue;
    const bool stays = action == Action::leave || action == Action::skip || apps[i].outside;
    const spec::SpecRef& last = stays ? apps[i].now : apps[i].next;
    for (const std::string& address : addresses(last)) {
      auto [owner, is_new] = owners.try_emplace(address, last.get());
      const bool alone = is_tcp(last) || owner->second->app.protocol == config::Protocol::tcp;
      if (is_new || !alone) continue;
      result.push_back(
          fmt::format(R"({} would be used by {} and {}, and proxy = "tcp" needs a listener of its own)",
                      address, owner->second->app.name, apps[i].name));
    }
  }
  return result;
}

spec::SpecRef with_former_routes(const spec::SpecRef& next, const spec::Spec& now) {
  const bool http = config::is_routed(next->app.endpoint) && next->app.protocol == config::Protocol::http;
  if (!http || now.app.protocol != config::Protocol::http) return next;
  auto result = std::make_shared<spec::Spec>(*next);
  // Every route holds at every listener, so routes and listeners of both cannot be mixed.
  if (now.app.listen != next->app.listen) {
    result->app.routes = now.app.routes;
    result->app.listen = now.app.listen;
    result->listeners = now.listeners;
    return result;
  }
  const auto add_missing = [](auto& to, const auto& from) {
    for (const auto& one : from) {
      if (std::ranges::find(to, one) == to.end()) to.push_back(one);
    }
  };
  add_missing(result->app.routes, now.app.routes);
  for (const config::Listener& former : now.listeners) {
    auto same = std::ranges::find(result->listeners, former.name, &config::Listener::name);
    if (same == result->listeners.end()) {
      result->listeners.push_back(former);
      continue;
    }
    add_missing(same->addresses, former.addresses);
    if (former.default_app == now.app.name) same->default_app = former.default_app;
  }
  return result;
}

}  // namespace gracevisor::decide
