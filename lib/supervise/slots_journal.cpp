#include "supervise/slots_journal.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "base/one_line.h"
#include "base/sealed_file.h"

namespace gracevisor::supervise {
namespace {

constexpr const char* kHeld = "slots";

base::Expected<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return base::fail_errno("cannot write how the slots are", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace

// The former daemon may still have it, and go on with it: its offset stays as it is.
spec::SlotsRecords SlotsJournal::take_former() {
  const base::UniqueFd file = holder_ != nullptr ? holder_->take(kHeld) : base::UniqueFd();
  if (!file) return {};
  auto journal = base::read_memory(file.get(), "how the slots were", kMost);
  if (journal) return spec::newest_slots(*journal);
  log_.error("slots cause=\"{}\"", base::quotable(journal.error().what));
  return {};
}

void SlotsJournal::keep(spec::SlotsRecord slots) {
  if (holder_ == nullptr) return;
  Kept& kept = apps_[slots.app];
  if (slots == kept.slots) return;
  const std::string line = to_text(slots);
  kept.slots = std::move(slots);
  live_ += line.size() - std::exchange(kept.bytes, line.size());
  const bool has_room = bytes_ + line.size() <= 2 * live_ + kSlack && bytes_ + line.size() <= kMost;
  const auto written = file_ && has_room ? add(line) : begin_anew();
  if (written) {
    failed_ = false;
    return;
  }
  file_.reset();
  if (!std::exchange(failed_, true)) log_.error("slots cause=\"{}\"", base::quotable(written.error().what));
}

void SlotsJournal::forget(const std::string& app) {
  const auto kept = apps_.find(app);
  if (kept == apps_.end()) return;
  live_ -= kept->second.bytes;
  apps_.erase(kept);
}

base::Expected<void> SlotsJournal::add(const std::string& line) {
  bytes_ += line.size();
  return write_all(file_.get(), line);
}

base::Expected<void> SlotsJournal::begin_anew() {
  if (live_ > kMost) return base::fail("how the slots are: more than is kept");
  auto file = base::memory_file(kHeld);
  if (!file) return std::unexpected(file.error());
  std::string lines;
  lines.reserve(live_);
  for (const auto& [name, kept] : apps_) lines += to_text(kept.slots);
  if (auto written = write_all(file->get(), lines); !written) return written;
  file_ = std::move(*file);
  bytes_ = lines.size();
  holder_->hold(kHeld, file_.get());
  return {};
}

}  // namespace gracevisor::supervise
