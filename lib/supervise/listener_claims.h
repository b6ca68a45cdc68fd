// What the apps' specs want of the listeners: which definition is in force under each name, and which apps
// are to be reached at each address. Pure. Thread: the supervisor's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/strong.h"
#include "config/config.h"

namespace gracevisor::supervise {

// An app as its clients see it.
struct Face {
  const config::App* config = nullptr;  // null: none
  const std::vector<config::Listener>* listeners = nullptr;
};

// An app that is reached through listeners.
struct ListenerUser {
  base::AppId id;
  Face now;
  // While a deploy may still be cut back: what a cut-back would return to. Addresses that only this face has
  // stay open, with its routes.
  Face former = {};
};

using ListenerRef = std::shared_ptr<const config::Listener>;
using Definitions = std::map<std::string, ListenerRef>;  // by name

// The definitions in force from now on. If two apps have different definitions of the same name, the one that
// has been in force so far stays; if neither has, the first app's is taken. One that stays is the same
// object.
[[nodiscard]] Definitions definitions(const Definitions& in_force, const std::vector<ListenerUser>& apps);

// One address as the specs want it.
struct Claim {
  std::string key;  // address_key()
  base::Address address;
  std::vector<ListenerRef> definitions;  // one of them is in force for it
  std::vector<std::pair<base::AppId, Face>> users;
};

// The claims of the definitions in force, then those that a cut-back would restore.
[[nodiscard]] std::vector<Claim> claims(const Definitions& in_force, const std::vector<ListenerUser>& apps);

}  // namespace gracevisor::supervise
