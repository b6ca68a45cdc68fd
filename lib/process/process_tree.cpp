#include "process/process_tree.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <expected>
#include <set>
#include <utility>

#include "process/pidfd.h"

namespace gracevisor::process {
namespace {

constexpr int kMostLooks = 16;
constexpr std::size_t kMostTargets = 256;  // descriptors held at a time

// Empty when it has gone. The number may have been reused since the table was read, so the process is checked
// again after its descriptor is open.
base::UniqueFd open_exactly(const base::ProcessEntry& entry) {
  auto pidfd = open_pidfd(entry.pid);
  if (!pidfd) return {};
  auto now = base::read_process_entry(entry.pid);
  if (!now || !now->is(entry.pid, entry.started) || !now->lives()) return {};
  return std::move(*pidfd);
}

}  // namespace

bool send_to(const base::ProcessEntry& entry, int signal) {
  base::UniqueFd pidfd = open_exactly(entry);
  return pidfd && send_by_pidfd(pidfd, signal);
}

bool ProcessTree::number_is_ours(const inspect::ProcessTable& table, bool leader_reaped) {
  if (!leader_reaped) return true;
  // Its zombie, which its parent has not reaped yet.
  const base::ProcessEntry* leader = table.find(leader_);
  if (leader != nullptr && started_ != 0 && leader->is(leader_, started_)) return true;
  // A process with that number, or none left under it: the number was, or may be, reused.
  bool left = !table.session_of(leader_).empty() || !table.group_of(leader_).empty();
  if (leader != nullptr || (!left && table.complete())) number_void_ = true;
  return !number_void_;
}

inspect::ProcessTable::Members ProcessTree::members(const ProcessLook& look, bool leader_reaped) {
  const inspect::ProcessTable& table = look.table();
  inspect::ProcessTable::Members found;
  std::set<pid_t> numbers;
  auto add = [&](const base::ProcessEntry* entry) {
    if (entry == nullptr || !entry->lives() || entry->pid == look.parent()) return;
    if (numbers.insert(entry->pid).second) found.push_back(entry);
  };
  auto add_all = [&add](const inspect::ProcessTable::Members& more) {
    for (const auto* entry : more) add(entry);
  };
  if (number_is_ours(table, leader_reaped)) {
    if (!leader_reaped) add(table.find(leader_));
    add_all(table.session_of(leader_));
    add_all(table.group_of(leader_));
    // A zombie has no children left, but a look may be older than its death.
    if (!leader_reaped) add_all(table.children_of(leader_));
  }
  for (const auto& [pid, started] : known_) {
    const base::ProcessEntry* entry = table.find(pid);
    if (entry != nullptr && entry->is(pid, started)) add(entry);
  }
  if (cgroup_) {
    for (const pid_t pid : cgroup_->members()) {
      // The number may have been another process's when the table was read.
      const base::ProcessEntry* entry = table.find(pid);
      const auto now = entry != nullptr ? base::read_process_entry(pid) : std::unexpected(ESRCH);
      if (now && now->is(pid, entry->started)) add(entry);
    }
  }
  unsure_ = false;
  if (marks_) {
    for (const auto* entry : look.adopted()) {
      const inspect::MarksSeen& seen = look.marks_of(entry->pid);
      if (seen.marks == marks_) add(entry);
      unsure_ = unsure_ || (seen.executing && !known_.contains(entry->pid));
    }
  }
  std::size_t seen = 0;  // it grows meanwhile
  while (seen < found.size()) add_all(table.children_of(found[seen++]->pid));
  known_.clear();
  for (const auto* entry : found) known_.emplace(entry->pid, entry->started);
  return found;
}

bool ProcessTree::group_is_abandoned(const ProcessLook& look) const {
  const base::ProcessEntry* parent = look.table().find(look.parent());
  if (parent != nullptr && parent->lives()) return false;
  const inspect::ProcessTable::Members group = look.table().group_of(leader_);
  return !group.empty() &&
         std::ranges::none_of(group, [](const base::ProcessEntry* entry) { return entry->lives(); });
}

bool TreeHunt::stop(const base::ProcessEntry& entry) {
  auto same = [&entry](const Target& target) { return entry.is(target.pid, target.started); };
  if (std::ranges::any_of(targets_, same)) return false;
  if (targets_.size() >= kMostTargets) kill();
  base::UniqueFd pidfd = open_exactly(entry);
  if (!pidfd || !send_by_pidfd(pidfd, SIGSTOP)) return false;
  targets_.push_back({entry.pid, entry.started, std::move(pidfd)});
  return true;
}

bool TreeHunt::feed(const inspect::ProcessTable::Members& members) {
  bool found_new = false;
  for (const auto* entry : members) found_new = stop(*entry) || found_new;
  if (found_new && ++looks_ < kMostLooks) return true;
  kill();
  return false;
}

void TreeHunt::kill() {
  for (const auto& target : targets_) (void)send_by_pidfd(target.pidfd, SIGKILL);
  targets_.clear();
  looks_ = 0;
}

}  // namespace gracevisor::process
