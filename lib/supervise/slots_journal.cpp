#include "supervise/slots_journal.h"

#include <optional>
#include <string>
#include <utility>

#include "base/one_line.h"
#include "base/sealed_file.h"

namespace gracevisor::supervise {
namespace {

constexpr const char* kWhat = "how the slots are";

// Of the file with this number; the next one has the other.
std::string held_name(std::uint64_t number) {
  return number % 2 == 0 ? "slots-even" : "slots-odd";
}

}  // namespace

// The former daemon may still have them, and go on: their offsets stay as they are.
spec::SlotsRecords SlotsJournal::take_former() {
  std::optional<spec::SlotsJournalText> newest;
  if (holder_ == nullptr) return {};
  for (const std::uint64_t parity : {0U, 1U}) {
    const base::UniqueFd file = holder_->take(held_name(parity));
    if (!file) continue;
    auto text = base::read_memory(file.get(), kWhat, kMost);
    auto journal = text ? spec::journal_from_text(*text) : std::unexpected(text.error());
    if (!journal) {
      log_.error("slots cause=\"{}\"", base::quotable(journal.error().what));
      continue;
    }
    if (journal->number % 2 == parity && (!newest || journal->number > newest->number))
      newest = std::move(*journal);
  }
  if (!newest) return {};
  number_ = newest->number;
  return std::move(newest->slots);
}

bool SlotsJournal::keep(spec::SlotsRecord slots) {
  if (holder_ == nullptr) return true;
  Kept& kept = apps_[slots.app];
  if (slots == kept.slots && !failed_) return true;
  const std::string line = to_text(slots);
  kept.slots = std::move(slots);
  live_ += line.size() - std::exchange(kept.bytes, line.size());
  const bool has_room = bytes_ + line.size() <= 4 * live_ + kSlack && bytes_ + line.size() <= kMost;
  const auto written = file_ && has_room ? add(line) : begin_anew();
  if (written) {
    failed_ = false;
    return true;
  }
  // Less than it should be is worse than nothing.
  file_.reset();
  holder_->release(held_name(number_));
  if (!std::exchange(failed_, true)) log_.error("slots cause=\"{}\"", base::quotable(written.error().what));
  return false;
}

void SlotsJournal::forget(const std::string& app) {
  const auto kept = apps_.find(app);
  if (kept == apps_.end()) return;
  live_ -= kept->second.bytes;
  apps_.erase(kept);
}

base::Expected<void> SlotsJournal::add(const std::string& line) {
  bytes_ += line.size();
  return base::write_memory(file_.get(), line, kWhat);
}

base::Expected<void> SlotsJournal::begin_anew() {
  std::string text = spec::journal_head(number_ + 1);
  text.reserve(text.size() + live_);
  for (const auto& [name, kept] : apps_) text += to_text(kept.slots);
  if (text.size() > kMost) return base::fail(std::string(kWhat) + ": more than is kept");
  auto file = base::memory_file(kWhat);
  if (!file) return std::unexpected(file.error());
  if (auto written = base::write_memory(file->get(), text, kWhat); !written) return written;
  const std::string former = held_name(number_);
  ++number_;
  file_ = std::move(*file);
  bytes_ = text.size();
  holder_->hold(held_name(number_), file_.get());
  holder_->release(former);
  return {};
}

}  // namespace gracevisor::supervise
