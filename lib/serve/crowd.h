// The connections of one front: it owns them, says which one could make room for another, and frees closed
// ones later in the loop, because a connection closes inside its own callbacks. A Client is a
// serve::Connection, or contains one and has the same functions: waits_since(), notify_gone(). Thread: the
// loop's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "loop/loop.h"
#include "loop/next_turn.h"

namespace gracevisor::serve {

template <class Client>
class Crowd {
 public:
  // `on_left` runs after connections have closed, before their Responses are told that their clients are
  // gone. When the Crowd is destroyed, its connections close at once, and no notice runs.
  Crowd(loop::Loop& loop, std::function<void()> on_left)
      : on_left_(std::move(on_left)), bury_(loop, [this] { bury(); }) {}
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return clients_.size(); }
  [[nodiscard]] std::size_t count(auto which) const {
    const auto one = [&](const auto& entry) { return which(std::as_const(*entry.first)); };
    return static_cast<std::size_t>(std::ranges::count_if(clients_, one));
  }

  // In any order; those that close meanwhile are freed later in the loop.
  [[nodiscard]] std::vector<Client*> all() const {
    std::vector<Client*> all;
    all.reserve(clients_.size());
    for (const auto& [client, owned] : clients_) all.push_back(client);
    return all;
  }

  void add(std::unique_ptr<Client> client) {
    Client* key = client.get();
    clients_.emplace(key, std::move(client));
  }
  // The client has closed. One that could not be started was never added, and its owner frees it.
  void leave(Client& client) {
    auto node = clients_.extract(&client);
    if (node.empty()) return;
    departed_.push_back(std::move(node.mapped()));
    bury_.ask();
  }

  // Of the clients that may go, the one that has kept us waiting longest for its request or its end, if it
  // has done so since `before` or earlier; else null.
  [[nodiscard]] Client* longest_waiting(base::TimePoint before, auto may_go) const {
    Client* longest = nullptr;
    for (const auto& [client, owned] : clients_) {
      auto since = client->waits_since();
      if (!since || *since > before || !may_go(std::as_const(*client))) continue;
      if (longest == nullptr || *since < *longest->waits_since()) longest = client;
    }
    return longest;
  }

 private:
  void bury() {
    on_left_();
    auto departed = std::exchange(departed_, {});
    for (auto& client : departed) client->notify_gone();
  }

  std::function<void()> on_left_;
  loop::NextTurn bury_;
  std::unordered_map<Client*, std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Client>> departed_;
};

}  // namespace gracevisor::serve
