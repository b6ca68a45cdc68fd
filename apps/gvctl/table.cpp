#include "gvctl/table.h"

#include <algorithm>
#include <numeric>

namespace gracevisor::gvctl {
namespace {

constexpr std::size_t kGap = 2;

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// The bytes of the first `count` characters.
std::size_t bytes_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (!continues(text[at]) && count-- == 0) return at;
    ++at;
  }
  return at;
}

std::string padded(const Cell& cell, std::size_t width, Column::Align align, const Style& style) {
  const std::size_t size = length(cell.text);
  const std::string space(width > size ? width - size : 0, ' ');
  const std::string text = paint(cell.text, cell.text.empty() ? Colour::plain : cell.colour, style);
  return align == Column::Align::left ? text + space : space + text;
}

}  // namespace

std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

std::string cut(std::string_view text, std::size_t most) {
  if (length(text) <= most) return std::string(text);
  if (most == 0) return {};
  return std::string(text.substr(0, bytes_of(text, most - 1))) + "…";
}

std::string cut_middle(std::string_view text, std::size_t most) {
  constexpr std::size_t kEnd = 8;  // ":65535" and what comes before
  const std::size_t size = length(text);
  if (size <= most || most < kEnd + 2) return cut(text, most);
  return cut(text, most - kEnd) + std::string(text.substr(bytes_of(text, size - kEnd)));
}

std::vector<std::string> fold(std::string_view text, std::optional<std::size_t> width, std::size_t indent) {
  std::vector<std::string> lines;
  std::string prefix;
  while (width && length(text) + prefix.size() > *width) {
    // At least one character, or this would never end.
    const std::size_t room = std::max<std::size_t>(*width > prefix.size() ? *width - prefix.size() : 1, 1);
    const std::string_view head = text.substr(0, bytes_of(text, room + 1));
    std::size_t end = head.rfind(' ');
    const bool between = end != std::string_view::npos && end > 0;
    if (!between) end = bytes_of(text, room);
    lines.push_back(prefix + std::string(text.substr(0, end)));
    text.remove_prefix(between ? end + 1 : end);
    prefix = std::string(std::min(indent, *width / 2), ' ');
  }
  lines.push_back(prefix + std::string(text));
  return lines;
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  widths.reserve(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = length(columns_[i].head);
    for (const auto& row : rows_) width = std::max(width, length(row[i].text));
    widths.push_back(width);
  }
  return widths;
}

std::vector<std::string> Table::lines(std::optional<std::size_t> width, const Style& style,
                                      std::size_t indent) const {
  std::vector<std::size_t> widths = this->widths();
  std::vector<std::size_t> shown(columns_.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  const auto total = [&] {
    std::size_t sum = indent;
    for (const std::size_t i : shown) sum += widths[i] + kGap;
    return sum - kGap;
  };
  while (width && total() > *width) {
    const std::size_t last = shown.back();
    const std::size_t over = total() - *width;
    if (widths[last] > over && widths[last] - over >= columns_[last].least) {
      widths[last] -= over;
      break;
    }
    const auto next = std::ranges::max_element(shown, {}, [this](std::size_t i) { return columns_[i].drop; });
    if (columns_[*next].drop != 0) {
      shown.erase(next);
      continue;
    }
    // Nothing is left to drop: the first column is what can be recognised by its beginning.
    widths[shown.front()] -= std::min(widths[shown.front()] - 1, over);
    break;
  }
  const auto line = [&](const auto& cell_of) {
    std::string text(indent, ' ');
    for (const std::size_t i : shown) {
      Cell cell = cell_of(i);
      cell.text = columns_[i].ends ? cut_middle(cell.text, widths[i]) : cut(cell.text, widths[i]);
      const bool at_end = i == shown.back() && columns_[i].align == Column::Align::left;
      text += padded(cell, at_end ? 0 : widths[i], columns_[i].align, style);
      if (i != shown.back()) text.append(kGap, ' ');
    }
    const std::size_t end = text.find_last_not_of(' ');
    text.erase(end == std::string::npos ? 0 : end + 1);
    return text;
  };
  std::vector<std::string> lines;
  lines.reserve(rows_.size() + 1);
  lines.push_back(line([&](std::size_t i) { return Cell{columns_[i].head, Colour::bold}; }));
  for (const auto& row : rows_) lines.push_back(line([&](std::size_t i) { return row[i]; }));
  return lines;
}

}  // namespace gracevisor::gvctl
