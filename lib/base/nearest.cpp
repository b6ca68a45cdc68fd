#include "base/nearest.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <vector>

namespace gracevisor::base {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Damerau-Levenshtein in its restricted form: insert, remove, replace, swap two neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_back(b.size() + 1);
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], two_back[j - 2] + 1);
      }
    }
    two_back.swap(previous);
    previous.swap(current);
  }
  return previous[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 64;  // anything longer is not a misspelt word; the cost is quadratic
  if (word.empty() || word.size() > kLongest) return {};
  std::string wanted = lower(word);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (std::string_view candidate : known) {
    std::size_t d = distance(wanted, lower(candidate));
    // A word of one or two letters with one of them wrong is no near match.
    if (d < best_distance && d < std::max(wanted.size(), candidate.size()) - (wanted.size() < 3 ? 1 : 0)) {
      best = candidate;
      best_distance = d;
    }
  }
  if (!best.empty() || wanted.size() < 3) return best;
  // An abbreviation: "env" for "environment".
  auto begins = [&](std::string_view candidate) { return lower(candidate).starts_with(wanted); };
  auto it = std::find_if(known.begin(), known.end(), begins);
  return it == known.end() ? std::string_view() : *it;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view near = nearest(word, known);
  return near.empty() ? "" : " (did you mean \"" + std::string(near) + "\"?)";
}

}  // namespace gracevisor::base
