#include "supervise/listener_changes.h"

#include <fmt/format.h>

#include "base/listed.h"
#include "spec/listener_definitions.h"
#include "spec/spec.h"
#include "supervise/open_address.h"

namespace gracevisor::supervise {
namespace {

std::string left_out(const std::map<std::string, std::string>& from,
                     const std::map<std::string, std::string>& to) {
  std::vector<std::string> result;
  for (const auto& [key, text] : from) {
    if (!to.contains(key)) result.push_back(text);
  }
  return base::listed(result);
}

}  // namespace

std::map<std::string, std::string> addresses_of(const std::vector<config::Listener>& listeners) {
  std::map<std::string, std::string> result;
  for (const config::Listener& listener : listeners) {
    for (const base::Address& address : listener.addresses) {
      result.emplace(address_key(listener, address), address.text());
    }
  }
  return result;
}

std::vector<std::string> changes_between(const std::vector<config::Listener>& from,
                                         const std::vector<config::Listener>& to) {
  std::vector<std::string> result;
  auto before = addresses_of(from);
  auto after = addresses_of(to);
  std::string gone = left_out(before, after);
  std::string come = left_out(after, before);
  if (!gone.empty() || !come.empty()) {
    result.push_back(
        fmt::format("{} -> {}", gone.empty() ? "nothing" : gone, come.empty() ? "nothing" : come));
  }
  for (const config::Listener& listener : to) {
    const config::Listener* old = spec::find_listener(from, listener.name);
    if (old == nullptr) continue;
    auto keys = spec::differences(*old, listener);
    std::erase_if(keys, [](const config::Difference& key) { return key.name == "address"; });
    if (!keys.empty()) result.push_back(listener.name + ": " + spec::names_of(keys));
  }
  return result;
}

std::vector<std::string> RouteOwners::claim(const std::string& app, const Face& face) {
  std::vector<std::string> taken;
  for (const auto& [key, address] : addresses_of(*face.listeners)) {
    for (const config::Route& route : face.config->routes) {
      auto [owner, is_new] = owners_.try_emplace({key, route.host, route.path}, app);
      if (is_new || owner->second == app) continue;
      taken.push_back(fmt::format("{} at {} goes to {}, until that is deployed without it",
                                  route.host + route.path, address, owner->second));
    }
  }
  return taken;
}

}  // namespace gracevisor::supervise
