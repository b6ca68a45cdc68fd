#include "output/log_merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace gracevisor::output {
namespace {

using Who = std::pair<std::string, LogStream>;

void append(FileLine& whole, const FileLine& part) {
  whole.goes_on = part.goes_on;
  if (whole.shortened) return;
  const std::size_t room = kMostText - std::min(kMostText, whole.text.size());
  whole.shortened = part.shortened || part.text.size() > room;
  whole.text += part.text.substr(0, room);
}

// Records that are parts of one line become one.
void join_parts(std::vector<FileLine>& lines) {
  std::map<Who, std::size_t> open;  // where the line is to which the next part belongs
  std::vector<FileLine> joined;
  joined.reserve(lines.size());
  for (FileLine& line : lines) {
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

// Finds the newest kept line that a line of the file can be. The lines must outlive it.
class Recogniser {
 public:
  explicit Recogniser(const std::vector<FileLine>& kept) : taken_(kept.size()) {
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const std::string text = key(kept[i].text);
      places_["\n" + text].push_back(i);
      places_[kept[i].instance + "\n" + text].push_back(i);
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
  {
    Recogniser recogniser(kept);
    for (std::size_t i = file.size(); i-- > 0;) {
      const auto same = recogniser.take(file[i]);
      if (!same) continue;
      shown[*same] = true;
      file[i] = kept[*same];
    }
  }
  std::vector<MergedLine> lines = in_order(std::move(file));
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!shown[i]) lines.push_back({kept[i].time.value_or(base::WallTime::max()), std::move(kept[i])});
  }
  std::ranges::stable_sort(lines, {}, &MergedLine::order);
  return lines;
}

}  // namespace gracevisor::output
