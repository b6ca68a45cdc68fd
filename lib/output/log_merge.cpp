#include "output/log_merge.h"

#include <algorithm>
#include <string_view>

namespace gracevisor::output {
namespace {

// Pieces of so many kept lines are looked for, each among so many lines of the file: the newest ones.
constexpr std::size_t kMostLookedFor = 64;
constexpr std::size_t kMostLookedAt = 10'000;

// What is the same for the same line, in whatever form it was written, and wherever it was shortened: that
// may be within a character.
std::string key(std::string_view text) {
  std::string same = as_in_json(text);
  same.resize(std::min(same.size(), kMostText - 3));
  return same;
}

bool is_plain(const FileLine& line) {
  return line.instance.empty();
}

}  // namespace

LogMerge::LogMerge(std::vector<FileLine> file, std::vector<FileLine> kept)
    : file_(std::move(file)),
      kept_(std::move(kept)),
      shown_(kept_.size()),
      free_(file_.size(), true),
      gone_(file_.size()) {}

bool LogMerge::step() {
  lines_left_ = kStep;
  bytes_left_ = kStepBytes;
  while (phase_ != Phase::over && lines_left_ > 0 && bytes_left_ > 0) {
    if (!work()) continue;
    phase_ = static_cast<Phase>(static_cast<std::uint8_t>(phase_) + 1);
    next_ = 0;
  }
  return phase_ != Phase::over;
}

bool LogMerge::work() {
  switch (phase_) {
    case Phase::forms: return see_forms();
    case Phase::index: return index_kept();
    case Phase::recognise: return recognise();
    case Phase::pieces: return join_pieces();
    case Phase::order: return give_order();
    case Phase::gather: return gather();
    case Phase::sort: return !sort_.step(std::exchange(lines_left_, 0));
    case Phase::emit: return emit();
    case Phase::let_go: return let_go();
    case Phase::over: return true;
  }
  return true;
}

bool LogMerge::may_look(std::size_t bytes) noexcept {
  if (lines_left_ == 0 || bytes_left_ == 0) return false;
  --lines_left_;
  bytes_left_ -= std::min(bytes_left_, bytes);
  return true;
}

bool LogMerge::see_forms() {
  for (; next_ < file_.size() && !(any_plain_ && any_record_); ++next_) {
    if (!may_look(0)) return false;
    (is_plain(file_[next_]) ? any_plain_ : any_record_) = true;
  }
  return true;
}

bool LogMerge::index_kept() {
  for (; next_ < kept_.size(); ++next_) {
    const FileLine& line = kept_[next_];
    if (!may_look(line.text.size())) return false;
    const std::string text = key(line.text);
    if (any_plain_) places_["\n" + text].push_back(next_);
    if (any_record_ && !is_plain(line)) places_[line.instance + "\n" + text].push_back(next_);
  }
  return true;
}

// From the newest line of the file.
bool LogMerge::recognise() {
  for (; next_ < file_.size(); ++next_) {
    const std::size_t i = file_.size() - 1 - next_;
    if (!may_look(file_[i].text.size())) return false;
    const auto same = newest_same(file_[i]);
    if (!same) continue;
    shown_[*same] = true;
    free_[i] = false;
    file_[i] = std::move(kept_[*same]);
  }
  return true;
}

// The newest kept line that a line of the file can be, and that no other one is.
std::optional<std::size_t> LogMerge::newest_same(const FileLine& line) {
  if (places_.empty()) return std::nullopt;
  const auto found = places_.find(line.instance + "\n" + key(line.text));
  if (found == places_.end()) return std::nullopt;
  for (Places& places = found->second; !places.empty();) {
    const std::size_t newest = places.back();
    places.pop_back();
    if (!shown_[newest]) return newest;
  }
  return std::nullopt;
}

// Makes one line of the pieces of each kept line that is not shown and came in parts.
bool LogMerge::join_pieces() {
  for (; next_ < kept_.size() && looked_for_ < kMostLookedFor; ++next_) {
    const std::size_t k = kept_.size() - 1 - next_;
    if (!may_look(0)) return false;
    if (shown_[k] || kept_[k].parts < 2 || kept_[k].shortened) continue;
    ++looked_for_;
    lines_left_ = 0;
    const auto pieces = pieces_of(kept_[k]);
    if (pieces.empty()) continue;
    for (const std::size_t i : pieces) {
      free_[i] = false;
      gone_[i] = true;
    }
    shown_[k] = true;
    gone_[pieces.back()] = false;
    file_[pieces.back()] = std::move(kept_[k]);
  }
  return true;
}

// Where the free lines of the file are that make up a kept one, its end first; none: not all of it is there.
std::vector<std::size_t> LogMerge::pieces_of(const FileLine& kept) const {
  std::string_view rest = kept.text;
  std::vector<std::size_t> pieces;
  const std::size_t first = file_.size() - std::min(file_.size(), kMostLookedAt);
  for (std::size_t i = file_.size(); i-- > first && !rest.empty();) {
    const std::string& text = file_[i].text;
    if (!free_[i] || !is_plain(file_[i]) || text.empty() || !rest.ends_with(text)) continue;
    rest.remove_suffix(text.size());
    pieces.push_back(i);
  }
  return rest.empty() ? pieces : std::vector<std::size_t>();
}

// Gives every line the order of the next one that has a time; those behind the last of these its own.
bool LogMerge::give_order() {
  if (next_ == 0) {
    const auto timed = std::find_if(file_.rbegin(), file_.rend(),
                                    [](const FileLine& line) { return line.time.has_value(); });
    orders_.reserve(file_.size() + 1);
    orders_.push_back(timed == file_.rend() ? base::WallTime::min() : *timed->time);
  }
  for (; next_ < file_.size(); ++next_) {
    if (!may_look(0)) return false;
    const FileLine& line = file_[file_.size() - 1 - next_];
    orders_.push_back(line.time.value_or(orders_.back()));
  }
  return true;
}

bool LogMerge::gather() {
  gathered_.reserve(file_.size() + kept_.size());
  for (; next_ < file_.size() + kept_.size(); ++next_) {
    if (!may_look(0)) return false;
    const bool of_file = next_ < file_.size();
    const std::size_t k = next_ - file_.size();
    if (of_file ? gone_[next_] : shown_[k]) continue;
    const base::WallTime order =
        of_file ? orders_[file_.size() - next_] : kept_[k].time.value_or(base::WallTime::max());
    sort_.add(order);
    gathered_.push_back({order, std::move(of_file ? file_[next_] : kept_[k])});
  }
  return true;
}

bool LogMerge::emit() {
  merged_.reserve(gathered_.size());
  for (; next_ < gathered_.size(); ++next_) {
    if (!may_look(0)) return false;
    merged_.push_back(std::move(gathered_[sort_.items()[next_].place]));
  }
  return true;
}

// Little by little, as well.
bool LogMerge::let_go() {
  while (!places_.empty()) {
    if (!may_look(0)) return false;
    places_.erase(places_.begin());
  }
  return true;
}

std::vector<MergedLine> merge(std::vector<FileLine> file, std::vector<FileLine> kept) {
  LogMerge merging(std::move(file), std::move(kept));
  while (merging.step()) {
  }
  return merging.take();
}

}  // namespace gracevisor::output
