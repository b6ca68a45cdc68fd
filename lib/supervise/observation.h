// What the sampler has found of the instances' processes, on the supervisor's side. Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "loop/wakeup.h"
#include "observe/sampler.h"

namespace gracevisor::supervise {

class Observation {
 public:
  // `seen` runs on the loop after each look. Fails only for lack of resources.
  [[nodiscard]] static base::Expected<std::unique_ptr<Observation>> start(loop::Loop& loop,
                                                                          std::function<void()> seen) {
    std::unique_ptr<Observation> self(new Observation());
    auto bell = loop::Wakeup::create(loop, [s = self.get(), seen = std::move(seen)] {
      if (auto sample = s->sampler_->take()) s->newest_ = std::move(*sample);
      seen();
    });
    if (!bell) return std::unexpected(bell.error());
    self->bell_ = std::move(*bell);
    auto sampler = observe::Sampler::start([b = self->bell_.get()] { b->ring(); });
    if (!sampler) return std::unexpected(sampler.error());
    self->sampler_ = std::move(*sampler);
    return self;
  }

  void watch(observe::Watched processes) { sampler_->watch(std::move(processes)); }
  // Unset: its tree has not been looked at yet, or was gone by then.
  [[nodiscard]] std::optional<observe::Usage> usage(const observe::ProcessKey& main) const {
    const auto found = newest_.find(main);
    return found == newest_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  Observation() = default;

  std::unique_ptr<loop::Wakeup> bell_;  // outlives the thread that rings it
  std::unique_ptr<observe::Sampler> sampler_;
  observe::Sample newest_;
};

}  // namespace gracevisor::supervise
