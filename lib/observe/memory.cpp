#include "observe/memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace gracevisor::observe {
namespace {

constexpr std::size_t kRollup = 4096;

}  // namespace

std::optional<std::uint64_t> pss_in(std::string_view rollup) {
  constexpr std::string_view kName = "\nPss:";
  const std::size_t at = rollup.find(kName);
  if (at == std::string_view::npos) return std::nullopt;
  rollup.remove_prefix(at + kName.size());
  rollup.remove_prefix(std::min(rollup.find_first_not_of(' '), rollup.size()));
  std::uint64_t kibibytes = 0;
  const auto [end, code] = std::from_chars(rollup.data(), rollup.data() + rollup.size(), kibibytes);
  return code == std::errc() ? std::optional(kibibytes * 1024) : std::nullopt;
}

std::optional<std::uint64_t> read_pss(pid_t pid) {
  const auto text = base::read_process_file(pid, "smaps_rollup", kRollup);
  return text ? pss_in(*text) : std::nullopt;
}

void MemoryBook::look(const std::vector<const base::ProcessEntry*>& processes, base::Duration time) {
  std::set<ProcessKey> present;
  std::vector<std::pair<base::TimePoint, ProcessKey>> due;  // unknown ones count as read at the beginning
  due.reserve(processes.size());
  for (const base::ProcessEntry* process : processes) {
    const ProcessKey key = key_of(*process);
    if (!present.insert(key).second) continue;
    const auto known = shares_.find(key);
    due.emplace_back(known == shares_.end() ? base::TimePoint::min() : known->second.at, key);
  }
  std::erase_if(shares_, [&](const auto& share) { return !present.contains(share.first); });
  std::ranges::sort(due);
  const base::TimePoint until = now_() + time;
  for (const auto& [last, key] : due) {
    shares_.insert_or_assign(key, Share{read_(key.pid), now_()});
    if (now_() >= until) return;
  }
}

std::uint64_t MemoryBook::of(const base::ProcessEntry& process) const {
  static const auto kPage = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto share = shares_.find(key_of(process));
  if (share != shares_.end() && share->second.bytes) return *share->second.bytes;
  return process.resident * kPage;
}

}  // namespace gracevisor::observe
