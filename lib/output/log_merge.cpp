#include "output/log_merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/stable_sort.h"

namespace gracevisor::output {
namespace {

// Pieces of so many kept lines are looked for, each among so many lines of the file: the newest ones.
constexpr std::size_t kMostLookedFor = 64;
constexpr std::size_t kMostLookedAt = 10'000;

using Who = std::pair<std::string, LogStream>;

void append(FileLine& whole, const FileLine& part) {
  whole.goes_on = part.goes_on;
  if (whole.shortened) return;
  const std::size_t room = kMostText - std::min(kMostText, whole.text.size());
  whole.shortened = part.shortened || part.text.size() > room;
  whole.text += part.text.substr(0, room);
}

// Lines are missing there: what follows is no rest of what was before.
bool is_gap(const FileLine& line) {
  return line.instance.empty() &&
         (line.text.starts_with("[gracevisor: ") && line.text.ends_with(" dropped]") ||
          line.text.starts_with(R"({"dropped_lines":)"));
}

// Records that are parts of one line become one.
void join_parts(std::vector<FileLine>& lines) {
  std::map<Who, std::size_t> open;  // where the line is to which the next part belongs
  std::vector<FileLine> joined;
  joined.reserve(lines.size());
  for (FileLine& line : lines) {
    if (is_gap(line)) open.clear();
    const Who who{line.instance, line.stream};
    const auto begun = line.instance.empty() ? open.end() : open.find(who);
    const bool goes_on = line.goes_on && !line.instance.empty();
    if (begun == open.end()) {
      if (goes_on) open.emplace(who, joined.size());
      joined.push_back(std::move(line));
      continue;
    }
    FileLine& whole = joined[begun->second];
    append(whole, line);
    if (!goes_on) open.erase(begun);
  }
  lines = std::move(joined);
}

// What is the same for the same line, in whatever form it was written, and wherever it was shortened: that
// may be within a character.
std::string key(std::string_view text) {
  std::string same = as_in_json(text);
  same.resize(std::min(same.size(), kMostText - 3));
  return same;
}

// Finds the newest kept line that a line of the file can be.
class Recogniser {
 public:
  Recogniser(const std::vector<FileLine>& file, const std::vector<FileLine>& kept) : taken_(kept.size()) {
    const auto plain = [](const FileLine& line) { return line.instance.empty(); };
    const bool any_plain = std::ranges::any_of(file, plain);
    const bool any_record = !std::ranges::all_of(file, plain);
    places_.reserve(kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const std::string text = key(kept[i].text);
      if (any_plain) places_["\n" + text].push_back(i);
      if (any_record && !plain(kept[i])) places_[kept[i].instance + "\n" + text].push_back(i);
    }
  }
  std::optional<std::size_t> take(const FileLine& line) {
    const auto found = places_.find(line.instance + "\n" + key(line.text));
    return found == places_.end() ? std::nullopt : take_from(found->second);
  }

 private:
  using Places = std::vector<std::size_t>;

  std::optional<std::size_t> take_from(Places& places) {
    while (!places.empty()) {
      const std::size_t newest = places.back();
      places.pop_back();
      if (taken_[newest]) continue;
      taken_[newest] = true;
      return newest;
    }
    return std::nullopt;
  }

  std::vector<bool> taken_;
  std::unordered_map<std::string, Places> places_;  // by instance, or nothing, and text
};

// Where the lines of `file` are that make up a kept one, its end first; none: not all of it is there. Only
// those that `free` says are looked at.
std::vector<std::size_t> pieces_of(const FileLine& kept, const std::vector<FileLine>& file,
                                   const std::vector<bool>& free) {
  std::string_view rest = kept.text;
  std::vector<std::size_t> pieces;
  const std::size_t first = file.size() - std::min(file.size(), kMostLookedAt);
  for (std::size_t i = file.size(); i-- > first && !rest.empty();) {
    const std::string& text = file[i].text;
    if (!free[i] || !file[i].instance.empty() || text.empty() || !rest.ends_with(text)) continue;
    rest.remove_suffix(text.size());
    pieces.push_back(i);
  }
  return rest.empty() ? pieces : std::vector<std::size_t>();
}

// Makes one line of the pieces of each kept line that is not `shown` and came in parts. `free`: lines of the
// file that are no kept one.
void join_pieces(std::vector<FileLine>& file, const std::vector<FileLine>& kept, std::vector<bool>& shown,
                 std::vector<bool> free) {
  std::vector<bool> gone(file.size());
  std::size_t looked_for = 0;
  for (std::size_t k = kept.size(); k-- > 0 && looked_for < kMostLookedFor;) {
    if (shown[k] || kept[k].parts < 2 || kept[k].shortened) continue;
    ++looked_for;
    const auto pieces = pieces_of(kept[k], file, free);
    if (pieces.empty()) continue;
    for (const std::size_t i : pieces) {
      free[i] = false;
      gone[i] = true;
    }
    shown[k] = true;
    gone[pieces.back()] = false;
    file[pieces.back()] = kept[k];
  }
  std::size_t at = 0;
  std::erase_if(file, [&](const FileLine&) { return gone[at++]; });
}

// Gives every line the order of the next one that has a time; those behind the last of these its own.
std::vector<MergedLine> in_order(std::vector<FileLine> file) {
  base::WallTime order = base::WallTime::min();
  for (const FileLine& line : file) {
    if (line.time) order = *line.time;
  }
  std::vector<MergedLine> lines(file.size());
  for (std::size_t i = file.size(); i-- > 0;) {
    if (file[i].time) order = *file[i].time;
    lines[i] = {order, std::move(file[i])};
  }
  return lines;
}

}  // namespace

std::vector<MergedLine> merge(std::vector<FileLine> file, std::vector<FileLine> kept) {
  join_parts(file);
  std::vector<bool> shown(kept.size());
  std::vector<bool> free(file.size(), true);
  {
    Recogniser recogniser(file, kept);
    for (std::size_t i = file.size(); i-- > 0;) {
      const auto same = recogniser.take(file[i]);
      if (!same) continue;
      shown[*same] = true;
      free[i] = false;
      file[i] = kept[*same];
    }
  }
  join_pieces(file, kept, shown, std::move(free));
  std::vector<MergedLine> lines = in_order(std::move(file));
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!shown[i]) lines.push_back({kept[i].time.value_or(base::WallTime::max()), std::move(kept[i])});
  }
  base::stable_sort(lines, &MergedLine::order);
  return lines;
}

}  // namespace gracevisor::output
