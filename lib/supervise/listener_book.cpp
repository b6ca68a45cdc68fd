#include "supervise/listener_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/listener_definitions.h"
#include "spec/spec.h"

namespace gracevisor::supervise {
namespace {

using Entry = routing::HostIndex::Entry;

bool equal(const Entry& a, const Entry& b) {
  return a.app == b.app && a.host == b.host && a.path == b.path;
}

bool contains(const std::vector<Entry>& entries, const Entry& wanted) {
  return std::ranges::any_of(entries, [&](const Entry& entry) { return equal(entry, wanted); });
}

long long whole_seconds(base::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

ListenerBook::ListenerBook(std::size_t workers) : workers_(workers) {}
ListenerBook::~ListenerBook() = default;

OpenAddressRef ListenerBook::find_open(const std::string& key) const {
  for (const auto& known : known_) {
    OpenAddressRef open = known.lock();
    if (open && open->key() == key) return open;
  }
  return nullptr;
}

base::Expected<std::unique_ptr<ListenerBook::Opened>> ListenerBook::open(
    const std::vector<config::Listener>& listeners) const {
  std::vector<OpenAddressRef> opened;
  for (const config::Listener& listener : listeners) {
    for (const base::Address& address : listener.addresses) {
      // An address that is open stays open: closing and opening it would lose connections.
      OpenAddressRef one = find_open(address_key(listener, address));
      if (!one) {
        std::erase_if(known_, [](const auto& known) { return known.expired(); });
        auto fresh = open_address(listener, address, workers_, known_);
        if (!fresh) return std::unexpected(fresh.error());
        one = std::move(*fresh);
        known_.push_back(one);
      }
      opened.push_back(std::move(one));
    }
  }
  return std::make_unique<Opened>(std::move(opened));
}

void ListenerBook::commit(std::unique_ptr<Opened> opened) {
  for (OpenAddressRef& one : opened->addresses_) ready_.push_back(std::move(one));
}

void ListenerBook::settle_definitions(const std::vector<FacingApp>& apps) {
  std::map<std::string, ListenerRef> settled;
  for (const FacingApp& app : apps) {
    if (app.listeners == nullptr) continue;
    for (const config::Listener& listener : *app.listeners) {
      auto before = in_force_.find(listener.name);
      bool stays = before != in_force_.end() && spec::differences(*before->second, listener).empty();
      ListenerRef& now = settled[listener.name];
      if (stays) {
        now = before->second;
      } else if (!now) {
        now = std::make_shared<const config::Listener>(listener);
      }
    }
  }
  in_force_ = std::move(settled);
}

std::vector<ListenerBook::Claim> ListenerBook::claims(const std::vector<FacingApp>& apps) const {
  std::vector<Claim> result;
  auto claim_of = [&](const ListenerRef& listener, const base::Address& address) -> Claim& {
    std::string key = address_key(*listener, address);
    auto it = std::ranges::find(result, key, &Claim::key);
    if (it != result.end()) return *it;
    return result.emplace_back(Claim{std::move(key), address, {}, {}});
  };
  for (const auto& [name, listener] : in_force_) {
    for (const base::Address& address : listener->addresses) {
      Claim& claim = claim_of(listener, address);
      claim.definitions.push_back(listener);
      for (const FacingApp& app : apps) {
        if (app.listeners != nullptr && spec::find_listener(*app.listeners, name) != nullptr) {
          claim.users.push_back({app.id, {app.config, app.listeners}});
        }
      }
    }
  }
  const std::size_t current = result.size();
  for (const FacingApp& app : apps) {
    if (app.former.config == nullptr) continue;
    for (const config::Listener& listener : *app.former.listeners) {
      auto held = std::make_shared<const config::Listener>(listener);
      for (const base::Address& address : listener.addresses) {
        std::string key = address_key(listener, address);
        auto it = std::ranges::find(result, key, &Claim::key);
        if (it - result.begin() < static_cast<std::ptrdiff_t>(current)) {
          bool stays = std::ranges::any_of(it->users, [&](const auto& user) { return user.first == app.id; });
          if (stays) continue;  // the app is there, with its new routes
        }
        Claim& claim = claim_of(held, address);
        if (std::ranges::find(claim.definitions, held->name, [](const auto& d) { return d->name; }) ==
            claim.definitions.end()) {
          claim.definitions.push_back(held);
        }
        claim.users.emplace_back(app.id, app.former);
      }
    }
  }
  return result;
}

// The place where the claim is served, if its address is open.
ListenerBook::Place* ListenerBook::place_of(const Claim& claim) {
  for (auto& place : places_) {
    if (place->key == claim.key && place->open) return place.get();
  }
  auto it = std::ranges::find(ready_, claim.key, [](const OpenAddressRef& open) { return open->key(); });
  if (it == ready_.end()) return nullptr;
  // It may be one that was about to close for good but still has connections.
  for (auto& place : places_) {
    if (place->sockets != (*it)->sockets()) continue;
    place->open = *it;
    return place.get();
  }
  auto& place = places_.emplace_back(std::make_unique<Place>());
  place->key = claim.key;
  place->open = *it;
  place->sockets = (*it)->sockets();
  return place.get();
}

void ListenerBook::serve(Place& place, const Claim& claim, const Moment& moment) {
  if (place.leaving) {
    place.leaving.reset();
    events_.push_back({Event::What::back, place.definition->name, place.sockets->address.text(), ""});
  }
  // If an address has several names, it keeps the one it had as long as that is among them.
  auto named = std::ranges::find_if(claim.definitions, [&](const ListenerRef& definition) {
    return place.definition && definition->name == place.definition->name;
  });
  ListenerRef definition = named != claim.definitions.end() ? *named : claim.definitions.front();
  if (definition != place.definition) {
    bool same = place.definition && place.definition->name == definition->name &&
                spec::differences(*place.definition, *definition).empty();
    if (!same) {
      place.access =
          routing::access_sink(definition->access_log, {.path = {}, .format = definition->access_format});
      place.definition = std::move(definition);
    }
  }
  reindex(place, claim, moment);
}

void ListenerBook::reindex(Place& place, const Claim& claim, const Moment& moment) {
  std::vector<Entry> entries;
  std::optional<base::AppId> fallback;
  place.tcp.reset();
  const base::Duration drain_before = std::exchange(place.drain, base::Duration::zero());
  for (const auto& user : claim.users) {
    const auto& [id, face] = user;
    place.drain = std::max<base::Duration>(place.drain, face.config->drain_timeout());
    if (place.definition->default_app == face.config->name) fallback = id;
    bool listed = std::ranges::any_of(claim.definitions, [&user](const ListenerRef& definition) {
      return spec::names(*user.second.config, definition->name);
    });
    if (!listed) continue;
    if (face.config->protocol == config::Protocol::tcp) place.tcp = id;
    for (const config::Route& route : face.config->routes) entries.push_back({route.host, route.path, id});
  }
  bool changed =
      !place.index || fallback != place.fallback || !std::ranges::equal(entries, place.entries, equal);
  if (changed) {
    std::vector<Entry> before = std::exchange(place.entries, std::move(entries));
    // A default that has left counts as a route for every host.
    if (place.fallback && place.fallback != fallback) before.push_back({"", "/", *place.fallback});
    place.fallback = fallback;
    place.index = std::make_shared<const routing::HostIndex>(place.entries, place.fallback);
    keep_former(place, std::move(before), moment, std::max(drain_before, place.drain));
  } else if (!place.former.empty()) {
    keep_former(place, {}, moment, place.drain);
  }
}

// Keeps the routes that existed before the next table, and the former ones whose time is not over.
void ListenerBook::keep_former(Place& place, std::vector<Entry> before, const Moment& moment,
                               base::Duration drain) {
  const std::size_t over = std::erase_if(place.former, [&](const auto& former) {
    return former.until <= moment.now || contains(place.entries, former.entry);
  });
  bool added = false;
  for (Entry& entry : before) {
    if (contains(place.entries, entry)) continue;
    std::erase_if(place.former, [&](const auto& former) { return equal(former.entry, entry); });
    place.former.push_back({std::move(entry), moment.now + drain});
    added = true;
  }
  if (over == 0 && !added) return;
  if (added) place.former_until = moment.epoch;
  std::vector<Entry> entries;
  entries.reserve(place.former.size());
  for (const auto& former : place.former) entries.push_back(former.entry);
  place.former_index =
      entries.empty() ? nullptr : std::make_shared<const routing::HostIndex>(entries, std::nullopt);
}

void ListenerBook::leave(Place& place, const Moment& moment) {
  if (place.leaving) return;
  place.leaving = {moment.epoch, moment.now + place.drain};
  events_.push_back({Event::What::leaves, place.definition->name, place.sockets->address.text(),
                     fmt::format("drain={}s", whole_seconds(place.drain))});
}

void ListenerBook::settle(const std::vector<FacingApp>& apps, const Moment& moment) {
  if (shut_) return;
  settle_definitions(apps);
  missing_.clear();
  std::vector<const Place*> served;
  for (const Claim& claim : claims(apps)) {
    Place* place = place_of(claim);
    if (place != nullptr) {
      serve(*place, claim, moment);
      served.push_back(place);
      continue;
    }
    for (const auto& [id, face] : claim.users) {
      missing_.push_back({id, claim.definitions.front()->name, claim.address});
    }
  }
  ready_.clear();
  for (auto& place : places_) {
    if (std::ranges::find(served, place.get()) == served.end()) leave(*place, moment);
  }
}

std::vector<routing::ListenerRoutes> ListenerBook::listed() const {
  std::vector<routing::ListenerRoutes> result;
  result.reserve(places_.size());
  for (const auto& place : places_) {
    result.push_back({.sockets = place->sockets,
                      .index = place->index,
                      .config = place->definition,
                      .tcp = place->tcp,
                      .access = place->access,
                      .leaving = place->leaving.has_value(),
                      .former = place->former_index,
                      .former_until = place->former_until});
  }
  return result;
}

bool ListenerBook::follow(base::Epoch entered, base::TimePoint now) {
  std::erase_if(ending_, [entered](const auto& entry) { return entry.first <= entered; });
  bool changed = false;
  if (shut_) return changed;
  std::erase_if(places_, [&](const std::unique_ptr<Place>& place) {
    changed = changed ||
              std::ranges::any_of(place->former, [now](const auto& former) { return former.until <= now; });
    if (!place->leaving) return false;
    const bool closed = place->leaving->since <= entered;
    if (closed) place->open.reset();
    const std::uint64_t open = place->sockets->ledger->open();
    const bool empty = closed && open == 0;
    if (!empty && place->leaving->deadline > now) return false;
    if (place->open) ending_.emplace_back(place->leaving->since, std::move(place->open));
    events_.push_back({Event::What::ended, place->definition->name, place->sockets->address.text(),
                       empty ? "" : fmt::format("cut={}", open)});
    changed = true;
    return true;
  });
  return changed;
}

bool ListenerBook::leaving() const {
  return !ending_.empty() || std::ranges::any_of(places_, [](const auto& place) {
    return place->leaving.has_value() || !place->former.empty();
  });
}

void ListenerBook::end_all() {
  shut_ = true;
  missing_.clear();
  for (auto& place : places_) place->open.reset();
  ready_.clear();
  ending_.clear();
}

const config::Listener* ListenerBook::in_force(const std::string& name) const {
  auto it = in_force_.find(name);
  return it == in_force_.end() ? nullptr : it->second.get();
}

std::vector<SocketsRef> ListenerBook::sockets(const config::Listener& listener) const {
  std::vector<SocketsRef> result;
  for (const base::Address& address : listener.addresses) {
    if (OpenAddressRef open = find_open(address_key(listener, address))) result.push_back(open->sockets());
  }
  return result;
}

std::vector<std::string> ListenerBook::addresses(const std::string& name) const {
  std::vector<std::string> result;
  const config::Listener* listener = in_force(name);
  if (listener == nullptr) return result;
  for (const SocketsRef& sockets : sockets(*listener)) result.push_back(sockets->address.text());
  return result;
}

}  // namespace gracevisor::supervise
