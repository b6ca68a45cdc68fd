// What differs between the listeners and routes of two specs, in the words of receipts, the log and status.
// Without side effects. Thread: the supervisor's.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "supervise/listener_claims.h"

namespace gracevisor::supervise {

// What a deploy changes in its listeners, and what it leaves for a reload.
struct ListenerPlan {
  std::vector<config::Listener> listeners;
  std::vector<std::string> changes;  // for the receipt
  std::vector<std::string> left;     // standing remarks
};

// The addresses as the configuration writes them, by address_key().
[[nodiscard]] std::map<std::string, std::string> addresses_of(const std::vector<config::Listener>& listeners);
// "127.0.0.1:80 -> 127.0.0.1:81", "public: idle_timeout"
[[nodiscard]] std::vector<std::string> changes_between(const std::vector<config::Listener>& from,
                                                       const std::vector<config::Listener>& to);

// Which app has a route at an address: if two apps have the same route, the first one.
class RouteOwners {
 public:
  // The routes of `face` that an earlier app already has, in words; the others belong to `app` from now on.
  [[nodiscard]] std::vector<std::string> claim(const std::string& app, const Face& face);

 private:
  std::map<std::array<std::string, 3>, std::string> owners_;  // by address, host and path
};

}  // namespace gracevisor::supervise
