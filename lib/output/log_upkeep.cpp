#include "output/log_upkeep.h"

#include <algorithm>
#include <tuple>

namespace gracevisor::output {
namespace {

using Lists = std::vector<std::vector<base::OldFile>>;

void remove_doubles(Lists& lists, LogChores& chores) {
  for (std::size_t i = 0; i < lists.size(); ++i) {
    std::erase_if(lists[i], [&](const base::OldFile& old) {
      const bool doubled =
          old.compressed && std::ranges::any_of(lists[i], [&old](const base::OldFile& other) {
            return other.number == old.number && !other.compressed;
          });
      if (doubled) chores.remove.emplace_back(i, old);
      return doubled;
    });
  }
}

void take_last(Lists& lists, std::size_t which, LogChores& chores) {
  chores.remove.emplace_back(which, lists[which].back());
  lists[which].pop_back();
}

bool has_old(const std::vector<base::OldFile>& list) {
  return !list.empty() && list.back().number > 0;
}

}  // namespace

void LogUpkeep::add(const FilePolicy& file) {
  if (file.sink != SinkKind::file || file.path.empty() || file.path.native().starts_with("/dev/")) return;
  if (std::ranges::find(files, file.path, &FilePolicy::path) == files.end()) files.push_back(file);
}

LogChores chores_of(const LogUpkeep& upkeep, Lists lists, base::WallTime now) {
  LogChores chores;
  for (auto& list : lists) {
    std::ranges::sort(list, {},
                      [](const base::OldFile& file) { return std::tuple(file.number, file.compressed); });
  }
  remove_doubles(lists, chores);
  if (upkeep.max_age.count() > 0) {
    const auto oldest =
        std::chrono::floor<std::chrono::seconds>((now - upkeep.max_age).time_since_epoch()).count();
    for (std::size_t i = 0; i < lists.size(); ++i) {
      while (has_old(lists[i]) && lists[i].back().changed < oldest) take_last(lists, i, chores);
    }
  }
  if (upkeep.total_size > 0) {
    std::uint64_t total = 0;
    for (const auto& list : lists) {
      for (const base::OldFile& file : list) total += file.size;
    }
    while (total > upkeep.total_size) {
      const auto oldest = std::ranges::min_element(lists, {}, [](const std::vector<base::OldFile>& list) {
        return has_old(list) ? std::pair(0, list.back().changed) : std::pair(1, std::int64_t{0});
      });
      if (oldest == lists.end() || !has_old(*oldest)) break;
      total -= std::min(total, oldest->back().size);
      take_last(lists, static_cast<std::size_t>(oldest - lists.begin()), chores);
    }
  }
  for (std::size_t i = 0; upkeep.compress && i < lists.size(); ++i) {
    for (const base::OldFile& old : lists[i]) {
      if (old.number > 0 && !old.compressed && old.size > 0) chores.compress.emplace_back(i, old);
    }
  }
  std::ranges::sort(chores.compress, {}, [](const LogChores::One& one) { return one.second.changed; });
  return chores;
}

}  // namespace gracevisor::output
