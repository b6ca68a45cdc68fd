#include "output/log_merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "output/backward_lines.h"

namespace gracevisor::output {
namespace {

using Who = std::pair<std::string, LogStream>;

// Records that are parts of one line become one.
void join_parts(std::vector<FileLine>& lines) {
  std::map<Who, std::size_t> open;  // where the line is to which the next part belongs
  std::vector<FileLine> joined;
  joined.reserve(lines.size());
  for (FileLine& line : lines) {
    const Who who{line.instance, line.stream};
    const auto begun = line.instance.empty() ? open.end() : open.find(who);
    const bool goes_on = line.cut && !line.instance.empty();
    if (begun == open.end()) {
      if (goes_on) open.emplace(who, joined.size());
      joined.push_back(std::move(line));
      continue;
    }
    FileLine& whole = joined[begun->second];
    const std::size_t room = BackwardLines::kMost - std::min(BackwardLines::kMost, whole.text.size());
    whole.cut = whole.text.size() + line.text.size() > BackwardLines::kMost;
    whole.text += line.text.substr(0, room);
    if (!goes_on) open.erase(begun);
  }
  lines = std::move(joined);
}

// Finds the newest kept line that a line of the file can be. The lines must outlive it.
class Recogniser {
 public:
  explicit Recogniser(const std::vector<FileLine>& kept) : taken_(kept.size()) {
    for (std::size_t i = 0; i < kept.size(); ++i) {
      by_text_[kept[i].text].push_back(i);
      by_record_[{kept[i].instance, kept[i].text}].push_back(i);
    }
  }
  std::optional<std::size_t> take(const FileLine& line) {
    if (line.instance.empty()) {
      const auto found = by_text_.find(line.text);
      return found == by_text_.end() ? std::nullopt : take_from(found->second);
    }
    const auto found = by_record_.find({line.instance, line.text});
    return found == by_record_.end() ? std::nullopt : take_from(found->second);
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
  std::unordered_map<std::string_view, Places> by_text_;
  std::map<std::pair<std::string_view, std::string_view>, Places> by_record_;
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
