// The runs of all apps, by identity: those of one app are adjacent, since an identity begins with the app.
// Thread: the supervisor's.
#pragma once

#include <map>
#include <memory>
#include <ranges>
#include <utility>

#include "supervise/run.h"

namespace gracevisor::supervise {

class Runs {
 public:
  using Map = std::map<Identity, std::unique_ptr<Run>>;

  Run& add(std::unique_ptr<Run> run) {
    const Identity who = run->identity();
    return *runs_.emplace(who, std::move(run)).first->second;
  }
  // Null: there is none, or none any more.
  [[nodiscard]] Run* find(const Identity& who) {
    auto it = runs_.find(who);
    return it == runs_.end() ? nullptr : it->second.get();
  }
  [[nodiscard]] const Run* find(const Identity& who) const {
    auto it = runs_.find(who);
    return it == runs_.end() ? nullptr : it->second.get();
  }
  [[nodiscard]] std::ranges::subrange<Map::const_iterator> of(base::AppId app) const {
    Identity first;
    first.app = app;
    Identity next;
    next.app = app.next();
    return {runs_.lower_bound(first), runs_.lower_bound(next)};
  }
  [[nodiscard]] const Map& all() const { return runs_; }
  // Forgets the runs for which `over` is true.
  template <class Over>
  void erase_if(const Over& over) {
    std::erase_if(runs_, [&](const auto& entry) { return over(*entry.second); });
  }

 private:
  Map runs_;
};

}  // namespace gracevisor::supervise
