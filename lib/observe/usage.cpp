#include "observe/usage.h"

#include <algorithm>
#include <chrono>
#include <set>

namespace gracevisor::observe {

using inspect::ProcessTable;

ProcessKey key_of(const base::ProcessEntry& entry) {
  return {entry.pid, entry.started};
}

ProcessTable::Members tree_of(const ProcessTable& table, const ProcessKey& main) {
  ProcessTable::Members members;
  std::set<pid_t> known;
  const auto add = [&](const ProcessTable::Members& found) {
    for (const base::ProcessEntry* entry : found) {
      if (entry->lives() && known.insert(entry->pid).second) members.push_back(entry);
    }
  };
  const base::ProcessEntry* leader = table.find(main.pid);
  if (leader == nullptr || key_of(*leader) != main) return members;
  add({leader});
  add(table.session_of(main.pid));
  // Members are added behind the one that is looked at.
  std::size_t next = 0;
  while (next < members.size()) add(table.children_of(members[next++]->pid));
  return members;
}

void UsageBook::note(base::TimePoint at, const std::map<ProcessKey, TreeSeen>& trees) {
  std::erase_if(trees_, [&](const auto& tree) { return !trees.contains(tree.first); });
  for (const auto& [key, seen] : trees) {
    Tree& tree = trees_[key];
    tree.newest = seen;
    tree.looks.push_back({at, seen.ran});
    const auto old = [&](const Look& look) { return at - look.at >= kWindow; };
    while (tree.looks.size() > 2 && old(tree.looks[1])) tree.looks.erase(tree.looks.begin());
  }
}

std::map<ProcessKey, Usage> UsageBook::usage() const {
  std::map<ProcessKey, Usage> result;
  for (const auto& [key, tree] : trees_) {
    Usage& usage = result[key];
    usage.memory = tree.newest.memory;
    usage.processes = tree.newest.processes;
    const Look& first = tree.looks.front();
    const Look& last = tree.looks.back();
    const double seconds = std::chrono::duration<double>(last.at - first.at).count();
    if (seconds <= 0) continue;
    const std::uint64_t ran = last.ran - std::min(first.ran, last.ran);
    usage.cpu_percent = 100 * static_cast<double>(ran) / ticks_per_second_ / seconds;
  }
  return result;
}

}  // namespace gracevisor::observe
