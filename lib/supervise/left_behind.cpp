// Apps that the former daemon ran and that no file has any more: they do not run, but are told until they
// come back or are removed.
#include <fmt/format.h>

#include <algorithm>

#include "base/listed.h"
#include "base/one_line.h"
#include "supervise/supervisor.h"

namespace gracevisor::supervise {

std::vector<const LeftBehind*> Supervisor::left_behind() const {
  std::vector<const LeftBehind*> left;
  for (const LeftBehind& one : left_behind_) {
    if (find_app(one.name) == nullptr) left.push_back(&one);
  }
  return left;
}

std::string Supervisor::left_behind_text() const {
  std::vector<std::string> gone;
  for (const LeftBehind* one : left_behind()) gone.push_back(fmt::format("{} ({})", one->name, one->file));
  if (gone.empty()) return {};
  return base::listed(gone) +
         " ran before the daemon's start, and no file has it any more: put it back and reload, or gvctl "
         "reload "
         "--remove";
}

// The next daemon shall not know them either, except for the number of their last generation.
void Supervisor::forget_left_behind(const ReloadPlan& plan) {
  for (const std::string& name : plan.forgotten) {
    const auto left = std::ranges::find(left_behind_, name, &LeftBehind::name);
    if (left == left_behind_.end()) continue;
    world_->forget({.app = name, .last_generation = left->last_generation, .live = {}, .live_spec = nullptr},
                   [this, one = *left](const base::Expected<void>& written) {
                     if (written) return;
                     log_.error("state app={} cause=\"{}\"", one.name, base::quotable(written.error().what));
                     left_behind_.push_back(one);
                   });
    left_behind_.erase(left);
    log_.info("removed app={}", name);
  }
}

}  // namespace gracevisor::supervise
