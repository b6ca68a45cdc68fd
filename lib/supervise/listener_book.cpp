#include "supervise/listener_book.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "loop/listening_socket.h"

namespace gracevisor::supervise {
namespace {

bool uses(const FacingApp& app, const std::string& listener) {
  const auto& names = app.config->listen;
  return std::find(names.begin(), names.end(), listener) != names.end();
}

// Calls `take(route, app)` for what the listener's index is made of, until that says false; whether it never
// did.
template <class Take>
bool each_route(const std::vector<FacingApp>& apps, const std::string& listener, const Take& take) {
  for (const FacingApp& app : apps) {
    if (!uses(app, listener)) continue;
    for (const config::Route& route : app.config->routes) {
      if (!take(route, app.id)) return false;
    }
  }
  return true;
}

// Most tables change no route, and every one asks: so without building the entries anew.
bool same(const std::vector<routing::HostIndex::Entry>& entries, const std::vector<FacingApp>& apps,
          const std::string& listener) {
  auto next = entries.begin();
  bool all_found = each_route(apps, listener, [&](const config::Route& route, base::AppId app) {
    if (next == entries.end() || next->app != app || next->host != route.host || next->path != route.path) {
      return false;
    }
    ++next;
    return true;
  });
  return all_found && next == entries.end();
}

// Nobody can connect any more, whoever still has a descriptor; what waits unaccepted is reset.
void end(const routing::ListenerSockets& sockets) {
  for (const base::UniqueFd& socket : sockets.sockets) {
    (void)::shutdown(socket.get(), SHUT_RD);  // fails only where it is ended already
  }
  if (!sockets.address.is_unix()) return;
  (void)::unlink(sockets.address.text().substr(5).c_str());  // gone already is as well
}

}  // namespace

ListenerBook::ListenerBook(std::size_t workers) : workers_(workers) {}
ListenerBook::~ListenerBook() = default;

base::Expected<ListenerBook::Open> ListenerBook::open_one(const config::Listener& listener) const {
  Open result;
  result.config = listener;
  result.shared = std::make_shared<const config::Listener>(listener);
  result.access = routing::access_sink(listener.access_log, {.path = {}, .format = listener.access_format});
  auto before = open_.find(listener.name);
  for (std::size_t i = 0; i < listener.addresses.size(); ++i) {
    const base::Address& address = listener.addresses[i];
    // An address that is open stays open: closing and opening it would lose connections.
    if (before != open_.end()) {
      const auto& old = before->second.config.addresses;
      auto it = std::find(old.begin(), old.end(), address);
      if (it != old.end()) {
        result.sockets.push_back(before->second.sockets[static_cast<std::size_t>(it - old.begin())]);
        continue;
      }
    }
    auto sockets = loop::open_listening_sockets(address, workers_);
    if (!sockets)
      return std::unexpected(
          base::Error{"listener " + listener.name + ": " + sockets.error().what, sockets.error().code});
    result.sockets.push_back(std::make_shared<const routing::ListenerSockets>(
        routing::ListenerSockets{listener.name, sockets->address, std::move(sockets->sockets)}));
  }
  return result;
}

base::Expected<std::unique_ptr<ListenerBook::Opened>> ListenerBook::open(
    const std::vector<config::Listener>& listeners) const {
  std::vector<Open> opened;
  for (const config::Listener& listener : listeners) {
    auto one = open_one(listener);
    if (!one) return std::unexpected(one.error());
    opened.push_back(std::move(*one));
  }
  return std::make_unique<Opened>(std::move(opened));
}

void ListenerBook::commit(std::unique_ptr<Opened> opened) {
  for (Open& one : opened->listeners_) {
    auto before = open_.find(one.config.name);
    if (before != open_.end()) give_up(before->second, &one);
    std::string name = one.config.name;
    open_[name] = std::move(one);
  }
}

void ListenerBook::give_up(const Open& open, const Open* successor) {
  for (const SocketsRef& sockets : open.sockets) {
    bool kept = successor != nullptr && std::find(successor->sockets.begin(), successor->sockets.end(),
                                                  sockets) != successor->sockets.end();
    if (!kept) giving_up_.push_back(sockets);
  }
}

void ListenerBook::end_given_up(base::Epoch adopted) {
  std::erase_if(given_up_, [adopted](const auto& entry) {
    if (entry.first > adopted) return false;
    end(*entry.second);
    return true;
  });
}

void ListenerBook::end_all() {
  for (const auto& [name, open] : open_) {
    for (const SocketsRef& sockets : open.sockets) end(*sockets);
  }
}

void ListenerBook::reindex(Open& open, const std::vector<FacingApp>& apps) const {
  std::optional<base::AppId> fallback;
  open.tcp.reset();
  for (const FacingApp& app : apps) {
    if (open.config.default_app == app.config->name) fallback = app.id;
    if (app.config->protocol == config::Protocol::tcp && uses(app, open.config.name)) open.tcp = app.id;
  }
  if (open.index && same(open.entries, apps, open.config.name) && fallback == open.fallback) return;
  open.entries.clear();
  (void)each_route(apps, open.config.name, [&](const config::Route& route, base::AppId app) {
    open.entries.push_back({route.host, route.path, app});
    return true;
  });
  open.fallback = fallback;
  open.index = std::make_shared<const routing::HostIndex>(open.entries, open.fallback);
}

std::vector<routing::ListenerRoutes> ListenerBook::routes(const std::vector<FacingApp>& apps,
                                                          base::Epoch epoch) {
  std::vector<routing::ListenerRoutes> result;
  for (auto it = open_.begin(); it != open_.end();) {
    auto& [name, open] = *it;
    if (std::none_of(apps.begin(), apps.end(), [&](const FacingApp& app) { return uses(app, name); })) {
      give_up(open, nullptr);
      it = open_.erase(it);
      continue;
    }
    reindex(open, apps);
    for (const auto& sockets : open.sockets) {
      result.push_back({sockets, open.index, open.shared, open.tcp, open.access});
    }
    ++it;
  }
  for (SocketsRef& sockets : giving_up_) given_up_.emplace_back(epoch, std::move(sockets));
  giving_up_.clear();
  return result;
}

std::vector<std::string> ListenerBook::addresses(const std::string& name) const {
  std::vector<std::string> result;
  auto it = open_.find(name);
  if (it == open_.end()) return result;
  for (const auto& sockets : it->second.sockets) result.push_back(sockets->address.text());
  return result;
}

}  // namespace gracevisor::supervise
