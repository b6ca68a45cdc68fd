#include "supervise/socket_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace gracevisor::supervise {
namespace {

constexpr base::Duration kPatience = std::chrono::minutes(2);

// It can be expected up soon, unless it crashes again and again, or hangs.
bool on_its_way(const decide::Instance& instance, base::TimePoint now) {
  if (instance.crash_looping() || now - instance.since() > kPatience) return false;
  return instance.due().has_value() || instance.state() == decide::InstanceState::draining;
}

bool serves(const decide::Instance& instance) {
  return instance.state() == decide::InstanceState::healthy ||
         instance.state() == decide::InstanceState::unhealthy;
}

}  // namespace

std::vector<Identity> SocketCheck::check(const decide::App& app, const World& world) {
  std::map<Identity, std::string> before;
  std::erase_if(missing_, [&](const auto& entry) {
    bool own = entry.first.app == app.id();
    if (own) before.insert(entry);
    return own;
  });
  std::vector<Identity> lost;
  bool on_the_way = false;
  if (app.live() == nullptr) return lost;
  for (const auto& instance : app.live()->instances()) {
    const Identity& who = instance->identity();
    if (!serves(*instance)) {
      on_the_way = on_the_way || on_its_way(*instance, world.knowledge().now());
      continue;
    }
    if (world.socket_in_place(who)) continue;
    missing_.emplace(who, fmt::format("{}.{} ({})", app.live()->name(), who.slot.value(),
                                      text(world.knowledge().place(who))));
    if (before.contains(who)) lost.push_back(who);
  }
  if (on_the_way) lost.clear();
  lost.resize((lost.size() + 1) / 2);
  return lost;
}

std::vector<std::string> SocketCheck::remarks() const {
  std::vector<std::string> remarks;
  remarks.reserve(missing_.size());
  for (const auto& [who, where] : missing_) {
    remarks.push_back("the socket of " + where + " was removed: nobody can connect to it, it is replaced");
  }
  return remarks;
}

}  // namespace gracevisor::supervise
