#include "lock_wait.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <chrono>

#include "base/file.h"
#include "base/pending_stop.h"
#include "base/process_entry.h"
#include "configuration.h"
#include "inspect/process_table.h"

namespace gracevisor::daemon {
namespace {

// The pid in the lock's file; 0 if there is none.
pid_t holder_in(const std::filesystem::path& file) {
  constexpr std::size_t kMost = 24;
  auto text = base::read_file(file, kMost);
  pid_t pid = 0;
  if (text) (void)std::from_chars(text->data(), text->data() + text->size(), pid);
  return pid > 0 ? pid : 0;
}

bool is_over(pid_t process) {
  auto entry = base::read_process_entry(process);
  return entry ? !entry->lives() : entry.error() == ENOENT || entry.error() == ESRCH;
}

}  // namespace

bool has_lost_its_keeper(pid_t daemon) {
  auto entry = base::read_process_entry(daemon);
  if (!entry || !entry->lives() || entry->name != "gracevisord") return false;
  auto parent = base::read_process_entry(entry->parent);
  return parent && !inspect::is_keeper(*parent);
}

bool LockWait::worth_waiting(const std::filesystem::path& file, const base::Error& refusal) {
  if (refusal.code != EWOULDBLOCK || base::told_to_stop()) return false;
  const base::TimePoint now = std::chrono::steady_clock::now();
  if (until_ && now >= *until_) return false;
  const pid_t holder = holder_in(file);
  if (holder == 0) return false;
  // Who was waited for may have ended since the last try.
  if (holder == holder_ && is_over(holder)) return true;
  if (!has_lost_its_keeper(holder)) return false;
  if (!until_) until_ = now + longest_;
  if (holder != holder_) {
    complain(fmt::format(
        "gracevisord: another gracevisord (pid {}), whose keeper is gone, is ending on {}: "
        "waiting for it, at most {} s",
        holder, file.parent_path().string(), std::chrono::ceil<std::chrono::seconds>(*until_ - now).count()));
  }
  holder_ = holder;
  return true;
}

}  // namespace gracevisor::daemon
