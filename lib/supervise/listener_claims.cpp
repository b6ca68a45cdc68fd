#include "supervise/listener_claims.h"

#include <algorithm>
#include <cstddef>

#include "spec/listener_definitions.h"
#include "spec/spec.h"
#include "supervise/open_address.h"

namespace gracevisor::supervise {

Definitions definitions(const Definitions& in_force, const std::vector<ListenerUser>& apps) {
  Definitions settled;
  for (const ListenerUser& app : apps) {
    if (app.now.listeners == nullptr) continue;
    for (const config::Listener& listener : *app.now.listeners) {
      auto before = in_force.find(listener.name);
      bool stays = before != in_force.end() && spec::differences(*before->second, listener).empty();
      ListenerRef& now = settled[listener.name];
      if (stays) {
        now = before->second;
      } else if (!now) {
        now = std::make_shared<const config::Listener>(listener);
      }
    }
  }
  return settled;
}

std::vector<Claim> claims(const Definitions& in_force, const std::vector<ListenerUser>& apps) {
  std::vector<Claim> result;
  auto claim_of = [&](const ListenerRef& listener, const base::Address& address) -> Claim& {
    std::string key = address_key(*listener, address);
    auto it = std::ranges::find(result, key, &Claim::key);
    if (it != result.end()) return *it;
    return result.emplace_back(Claim{std::move(key), address, {}, {}});
  };
  for (const auto& [name, listener] : in_force) {
    for (const base::Address& address : listener->addresses) {
      Claim& claim = claim_of(listener, address);
      claim.definitions.push_back(listener);
      for (const ListenerUser& app : apps) {
        if (app.now.listeners != nullptr && spec::find_listener(*app.now.listeners, name) != nullptr) {
          claim.users.emplace_back(app.id, app.now);
        }
      }
    }
  }
  const std::size_t current = result.size();
  for (const ListenerUser& app : apps) {
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

}  // namespace gracevisor::supervise
