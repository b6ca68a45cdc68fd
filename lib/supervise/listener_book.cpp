#include "supervise/listener_book.h"

#include <fmt/format.h>

#include <algorithm>

#include "loop/listening_socket.h"
#include "spec/listener_definitions.h"
#include "spec/spec.h"

namespace gracevisor::supervise {
namespace {

using HostEntry = routing::HostIndex::Entry;

bool equal(const HostEntry& a, const HostEntry& b) {
  return a.app == b.app && a.host == b.host && a.path == b.path;
}

bool contains(const std::vector<HostEntry>& entries, const HostEntry& wanted) {
  return std::ranges::any_of(entries, [&](const HostEntry& entry) { return equal(entry, wanted); });
}

long long whole_seconds(base::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

ListenerBook::ListenerBook(std::size_t workers, base::Holder* holder) : workers_(workers), holder_(holder) {}
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
        auto fresh = open_address(listener, address, workers_, known_, holder_);
        if (!fresh) return std::unexpected(fresh.error());
        one = std::move(*fresh);
        known_.push_back(one);
      }
      opened.push_back(std::move(one));
    }
  }
  return std::make_unique<Opened>(std::move(opened));
}

base::Expected<void> ListenerBook::could_open(const std::vector<config::Listener>& listeners) const {
  for (const config::Listener& listener : listeners) {
    for (const base::Address& address : listener.addresses) {
      if (find_open(address_key(listener, address))) continue;
      if (auto possible = loop::could_listen(address); !possible) {
        return base::fail("listener " + listener.name + ": " + possible.error().what);
      }
    }
  }
  return {};
}

void ListenerBook::commit(std::unique_ptr<Opened> opened) {
  for (OpenAddressRef& one : opened->addresses_) ready_.push_back(std::move(one));
}

// Where the claim is served, if its address is open.
ListenerBook::Row* ListenerBook::row_of(const Claim& claim) {
  for (auto& row : rows_) {
    if (row->key == claim.key && row->open) return row.get();
  }
  auto it = std::ranges::find(ready_, claim.key, [](const OpenAddressRef& open) { return open->key(); });
  if (it == ready_.end()) return nullptr;
  // It may be one that was about to close for good but still has connections.
  for (auto& row : rows_) {
    if (row->sockets != (*it)->sockets()) continue;
    row->open = *it;
    return row.get();
  }
  auto& row = rows_.emplace_back(std::make_unique<Row>());
  row->key = claim.key;
  row->open = *it;
  row->sockets = (*it)->sockets();
  return row.get();
}

void ListenerBook::serve(Row& row, const Claim& claim, const Moment& moment) {
  if (row.leaving) {
    row.leaving.reset();
    events_.push_back({Event::What::back, row.definition->name, row.sockets->address.text(), ""});
  }
  // If an address has several names, it keeps the one it had as long as that is among them.
  auto named = std::ranges::find_if(claim.definitions, [&](const ListenerRef& definition) {
    return row.definition && definition->name == row.definition->name;
  });
  ListenerRef definition = named != claim.definitions.end() ? *named : claim.definitions.front();
  if (definition != row.definition) {
    bool same = row.definition && row.definition->name == definition->name &&
                spec::differences(*row.definition, *definition).empty();
    if (!same) {
      row.access = routing::access_sink(definition->access_log, {.path = {},
                                                                 .format = definition->access_format,
                                                                 .max_size = definition->access_max_size,
                                                                 .keep = definition->access_keep});
      row.definition = std::move(definition);
    }
  }
  reindex(row, claim, moment);
}

void ListenerBook::reindex(Row& row, const Claim& claim, const Moment& moment) {
  std::vector<HostEntry> entries;
  std::optional<base::AppId> fallback;
  row.tcp.reset();
  const base::Duration drain_before = std::exchange(row.drain, base::Duration::zero());
  for (const auto& user : claim.users) {
    const auto& [id, face] = user;
    row.drain = std::max<base::Duration>(row.drain, face.config->drain_timeout());
    if (row.definition->default_app == face.config->name) fallback = id;
    bool listed = std::ranges::any_of(claim.definitions, [&user](const ListenerRef& definition) {
      return spec::names(*user.second.config, definition->name);
    });
    if (!listed) continue;
    if (face.config->protocol == config::Protocol::tcp && !row.tcp) row.tcp = id;
    for (const config::Route& route : face.config->routes) entries.push_back({route.host, route.path, id});
  }
  bool changed = !row.index || fallback != row.fallback || !std::ranges::equal(entries, row.entries, equal);
  if (changed) {
    std::vector<HostEntry> before = std::exchange(row.entries, std::move(entries));
    // A default that has left counts as a route for every host.
    if (row.fallback && row.fallback != fallback) before.push_back({"", "/", *row.fallback});
    row.fallback = fallback;
    row.index = std::make_shared<const routing::HostIndex>(row.entries, row.fallback);
    keep_former(row, std::move(before), moment, std::max(drain_before, row.drain));
  } else if (!row.former.empty()) {
    keep_former(row, {}, moment, row.drain);
  }
}

// Keeps the routes that existed before the next table, and the former ones whose time is not over.
void ListenerBook::keep_former(Row& row, std::vector<HostEntry> before, const Moment& moment,
                               base::Duration drain) {
  const std::size_t over = std::erase_if(row.former, [&](const auto& former) {
    return former.until <= moment.now || contains(row.entries, former.entry);
  });
  bool added = false;
  for (HostEntry& entry : before) {
    if (contains(row.entries, entry)) continue;
    std::erase_if(row.former, [&](const auto& former) { return equal(former.entry, entry); });
    row.former.push_back({std::move(entry), moment.now + drain});
    added = true;
  }
  if (over == 0 && !added) return;
  if (added) row.former_until = moment.epoch;
  std::vector<HostEntry> entries;
  entries.reserve(row.former.size());
  for (const auto& former : row.former) entries.push_back(former.entry);
  row.former_index =
      entries.empty() ? nullptr : std::make_shared<const routing::HostIndex>(entries, std::nullopt);
}

void ListenerBook::leave(Row& row, const Moment& moment) {
  if (row.leaving) return;
  row.leaving = {moment.epoch, moment.now + row.drain};
  events_.push_back({Event::What::leaves, row.definition->name, row.sockets->address.text(),
                     fmt::format("drain={}s", whole_seconds(row.drain))});
}

void ListenerBook::settle(const std::vector<ListenerUser>& apps, const Moment& moment) {
  if (shut_) return;
  in_force_ = definitions(in_force_, apps);
  missing_.clear();
  std::vector<const Row*> served;
  for (const Claim& claim : claims(in_force_, apps)) {
    Row* row = row_of(claim);
    if (row != nullptr) {
      serve(*row, claim, moment);
      served.push_back(row);
      continue;
    }
    for (const auto& [id, face] : claim.users) {
      missing_.push_back({id, claim.definitions.front()->name, claim.address});
    }
  }
  ready_.clear();
  for (auto& row : rows_) {
    if (std::ranges::find(served, row.get()) == served.end()) leave(*row, moment);
  }
}

std::vector<routing::ListenerRoutes> ListenerBook::listed() const {
  std::vector<routing::ListenerRoutes> result;
  result.reserve(rows_.size());
  for (const auto& row : rows_) {
    result.push_back({.sockets = row->sockets,
                      .index = row->index,
                      .config = row->definition,
                      .tcp = row->tcp,
                      .access = row->access,
                      .leaving = row->leaving.has_value(),
                      .former = row->former_index,
                      .former_until = row->former_until});
  }
  return result;
}

bool ListenerBook::follow(base::Epoch entered, base::TimePoint now) {
  std::erase_if(ending_, [entered](const auto& entry) { return entry.first <= entered; });
  bool changed = false;
  if (shut_) return changed;
  std::erase_if(rows_, [&](const std::unique_ptr<Row>& row) {
    changed = changed ||
              std::ranges::any_of(row->former, [now](const auto& former) { return former.until <= now; });
    if (!row->leaving) return false;
    const bool closed = row->leaving->since <= entered;
    if (closed) row->open.reset();
    const std::uint64_t open = row->sockets->ledger->open();
    const bool empty = closed && open == 0;
    if (!empty && row->leaving->deadline > now) return false;
    if (row->open) ending_.emplace_back(row->leaving->since, std::move(row->open));
    events_.push_back({Event::What::ended, row->definition->name, row->sockets->address.text(),
                       empty ? "" : fmt::format("cut={}", open)});
    changed = true;
    return true;
  });
  return changed;
}

bool ListenerBook::leaving() const {
  return !ending_.empty() || std::ranges::any_of(rows_, [](const auto& row) {
    return row->leaving.has_value() || !row->former.empty();
  });
}

void ListenerBook::end_all() {
  shut_ = true;
  missing_.clear();
  for (auto& row : rows_) row->open.reset();
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
