// The supervisor's part in the listeners: the definitions with which an app is started, what a deploy changes
// in them, and what becomes of those that leave or cannot be opened.
//
// A listener used by one app belongs to it: a deploy brings the files' definition, a restart of the daemon
// keeps the recorded one. A listener used by several apps belongs to none of them: a deploy of one does not
// change it for the others; a reload does, and so does the daemon when it starts.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/listed.h"
#include "base/one_line.h"
#include "spec/listener_definitions.h"
#include "supervise/listener_changes.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {
namespace {
constexpr base::Duration kRetryMissing = std::chrono::seconds(5);
}  // namespace

Face Supervisor::face(const AppEntry& entry) {
  if (entry.app->live() != nullptr && !entry.app->removing()) {
    const spec::Spec& spec = *entry.app->live()->spec();
    return {&spec.app, &spec.listeners};
  }
  if (entry.remembered && entry.remembered->live_spec) {
    const spec::Spec& spec = *entry.remembered->live_spec;
    return {&spec.app, &spec.listeners};
  }
  return {&entry.configured, &entry.configured_listeners};
}

std::string Supervisor::others_at(const AppEntry* entry, const std::string& listener) const {
  std::vector<std::string> result;
  for (const auto& [id, other] : apps_) {
    if (&other == entry) continue;
    Face there = face(other);
    if (spec::names(*there.config, listener) || spec::find_listener(*there.listeners, listener) != nullptr) {
      result.push_back(other.app->name());
    }
  }
  return base::listed(result);
}

std::optional<decide::Refused> Supervisor::refuse_shared_tcp(
    const AppEntry* entry, const config::App& configured,
    const std::vector<config::Listener>& listeners) const {
  auto wanted = addresses_of(listeners);
  for (const auto& [id, other] : apps_) {
    if (&other == entry) continue;
    Face there = face(other);
    bool tcp =
        configured.protocol == config::Protocol::tcp || there.config->protocol == config::Protocol::tcp;
    if (!tcp) continue;
    for (const auto& [key, text] : addresses_of(*there.listeners)) {
      if (!wanted.contains(key)) continue;
      return decide::Refused{
          base::ExitCode::preflight_failed,
          fmt::format(
              R"(app.{}.listen: {} is still used by {}, and proxy = "tcp" needs a listener of its own)",
              configured.name, text, other.app->name()),
          {}};
    }
  }
  return std::nullopt;
}

std::expected<ListenerPlan, decide::Refused> Supervisor::plan_listeners(const AppEntry* entry,
                                                                        const config::App& configured,
                                                                        const config::Config& config) const {
  ListenerPlan plan;
  for (const config::Listener& wanted : spec::listeners_of(configured, config.listeners)) {
    const config::Listener* now = listeners_.in_force(wanted.name);
    std::string others = now != nullptr ? others_at(entry, wanted.name) : "";
    plan.listeners.push_back(others.empty() ? wanted : *now);
    auto keys = others.empty() ? std::vector<config::Difference>{} : spec::differences(*now, wanted);
    if (keys.empty()) continue;
    std::string addresses;
    if (now->addresses != wanted.addresses) {
      addresses = fmt::format(" ({} -> {})", spec::addresses_text(*now), spec::addresses_text(wanted));
    }
    plan.left.push_back(fmt::format("{}: {}{}: taken by gvctl reload (also used by {})", wanted.name,
                                    spec::names_of(keys), addresses, others));
  }
  if (auto refused = refuse_shared_tcp(entry, configured, plan.listeners)) {
    return std::unexpected(std::move(*refused));
  }
  if (entry != nullptr && entry->app->live() != nullptr) {
    plan.changes = changes_between(*face(*entry).listeners, plan.listeners);
  }
  RouteOwners owners;
  for (const auto& [id, other] : apps_) {
    if (&other == entry) break;  // those behind it keep no route from it
    (void)owners.claim(other.app->name(), face(other));
  }
  std::ranges::move(owners.claim(configured.name, {&configured, &plan.listeners}),
                    std::back_inserter(plan.changes));
  return plan;
}

// Every address from which the deploy takes something, or to which it adds something.
void Supervisor::note_touched(AppEntry& entry, const spec::Spec& next) const {
  entry.touched.clear();
  if (entry.app->live() == nullptr) return;
  Face before = face(entry);
  const bool same_routes = before.config->routes == next.app.routes;
  auto touch = [&](const config::Listener& listener) {
    for (const SocketsRef& sockets : listeners_.sockets(listener)) {
      std::string address = sockets->address.text();
      if (std::ranges::find(entry.touched, address, &Touched::address) != entry.touched.end()) continue;
      entry.touched.push_back({std::move(address), sockets->ledger});
    }
  };
  auto same = [&](const config::Listener& listener, const std::vector<config::Listener>& others) {
    const config::Listener* other = spec::find_listener(others, listener.name);
    return same_routes && other != nullptr && spec::differences(*other, listener).empty();
  };
  for (const config::Listener& listener : *before.listeners) {
    if (!same(listener, next.listeners)) touch(listener);
  }
  for (const config::Listener& listener : next.listeners) {
    if (!same(listener, *before.listeners)) touch(listener);
  }
}

// Listeners that a record names but does not contain (it is an older daemon's), and those that belong to
// several apps.
void Supervisor::settle_remembered(AppEntry& entry) {
  const spec::Spec& recorded = *entry.remembered->live_spec;
  std::vector<config::Listener> settled;
  auto settle = [&](const std::string& name) {
    if (spec::find_listener(settled, name) != nullptr) return;
    const config::Listener* in_files = settings_.config.find_listener(name);
    const config::Listener* before = spec::find_listener(recorded.listeners, name);
    if (in_files != nullptr && (before == nullptr || !others_at(&entry, name).empty())) {
      settled.push_back(*in_files);
    } else if (before != nullptr) {
      settled.push_back(*before);
    } else if (auto own = spec::own_address(name)) {
      settled.push_back(std::move(*own));
    }
  };
  for (const std::string& name : recorded.app.listen) settle(name);
  for (const config::Listener& listener : recorded.listeners) settle(listener.name);
  for (const config::Listener& listener : entry.configured_listeners) {
    if (listener.default_app == recorded.app.name) settle(listener.name);
  }
  auto spec = std::make_shared<spec::Spec>(recorded);
  spec->listeners = std::move(settled);
  entry.remembered->live_spec = std::move(spec);
}

// Refuses to open where another user could redirect the path of a Unix socket.
base::Expected<std::unique_ptr<ListenerBook::Opened>> Supervisor::open_sound(
    const config::Listener& listener) const {
  if (auto sound = settings_.files.check_sockets(listener); !sound) {
    return base::fail("listener " + listener.name + ": " + sound.error().what);
  }
  return listeners_.open({listener});
}

base::Expected<void> Supervisor::open_at_boot() {
  for (auto& [id, entry] : apps_) {
    if (entry.remembered && entry.remembered->live_spec) settle_remembered(entry);
  }
  for (const auto& [id, entry] : apps_) {
    for (const config::Listener& listener : *face(entry).listeners) {
      auto opened = open_sound(listener);
      if (opened) {
        listeners_.commit(std::move(*opened));
        continue;
      }
      // What the files say must be possible. If what only a record says fails, only its own app misses it.
      const config::Listener* in_files = settings_.config.find_listener(listener.name);
      if (in_files != nullptr && spec::differences(*in_files, listener).empty()) {
        return std::unexpected(opened.error());
      }
      open_errors_[listener.name] = opened.error().what;
    }
    // What a cut-back would restore, within a guard that outlived the former daemon.
    const decide::Generation* fallback = entry.app->fallback();
    if (fallback == nullptr) continue;
    for (const config::Listener& listener : fallback->spec()->listeners) {
      if (auto opened = open_sound(listener)) listeners_.commit(std::move(*opened));
    }
  }
  return {};
}

void Supervisor::follow_listeners() {
  if (listeners_.follow(publisher_.entered_by_all(), now())) (void)world_->publish();
  for (auto& [id, entry] : apps_) {
    // A failed deploy closes what it had opened, whether or not a table follows.
    if (entry.listeners && !is_to_come(entry)) entry.listeners.reset();
    if (entry.held != (entry.app->fallback() != nullptr)) (void)world_->publish();
  }
  for (const ListenerBook::Event& event : listeners_.take_events()) {
    std::string_view what = event.what == ListenerBook::Event::What::leaves ? "listener-leaves"
                            : event.what == ListenerBook::Event::What::back ? "listener-back"
                                                                            : "listener-ended";
    log_.info("{} listener={} address={}{}{}", what, event.listener, event.address,
              event.detail.empty() ? "" : " ", event.detail);
  }
}

void Supervisor::notice_missing() {
  if (reloading_) return;  // routes go from one app to another; the end of the reload looks again
  bool any = false;
  RouteOwners owners;
  for (AppEntry* claimant : in_order_of_claims()) {
    AppEntry& entry = *claimant;
    const base::AppId id = entry.app->id();
    std::vector<std::string> texts;
    Face now = face(entry);
    const auto taken = owners.claim(entry.app->name(), now);
    bool serves = (entry.app->live() != nullptr || entry.remembered) && !entry.app->stopped();
    if (serves && config::is_routed(now.config->endpoint)) {
      std::size_t addresses = 0;
      for (const config::Listener& listener : *now.listeners) addresses += listener.addresses.size();
      std::vector<std::string> missing;
      for (const ListenerBook::Missing& one : listeners_.missing()) {
        if (one.app != id) continue;
        auto error = open_errors_.find(one.listener);
        missing.push_back(error != open_errors_.end() ? error->second : one.address.text() + " is not open");
      }
      for (const std::string& name : now.config->listen) {
        if (spec::find_listener(*now.listeners, name) != nullptr) continue;
        missing.push_back("listener " + name + " is defined nowhere");
      }
      const bool nowhere = missing.size() >= addresses;
      for (const std::string& one : missing) {
        texts.push_back(
            fmt::format("{}: {}", nowhere ? "is live and reachable nowhere" : "is not reachable at", one));
      }
      any = any || !missing.empty();
      for (const std::string& one : taken) texts.push_back("does not get all: " + one);
    }
    if (texts == entry.missing) continue;
    for (const std::string& text : texts) {
      log_.error("listener app={} cause=\"{}\"", entry.app->name(), base::quotable(text));
    }
    if (texts.empty()) log_.info("listener app={} is reachable at all of its addresses", entry.app->name());
    entry.missing = std::move(texts);
  }
  if (any && !shutdown_.begun()) {
    if (!missing_timer_.running()) missing_timer_.start(kRetryMissing);
  } else {
    missing_timer_.stop();
  }
}

void Supervisor::retry_missing() {
  for (const ListenerBook::Missing& one : listeners_.missing()) {
    const config::Listener* listener = listeners_.in_force(one.listener);
    if (listener == nullptr) continue;
    auto opened = open_sound(*listener);
    if (opened) {
      open_errors_.erase(one.listener);
      listeners_.commit(std::move(*opened));
    } else {
      open_errors_[one.listener] = opened.error().what;
    }
  }
  // Even when nothing has changed: what is still missing is retried.
  (void)world_->publish();
}

}  // namespace gracevisor::supervise
