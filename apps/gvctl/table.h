// Text in columns, as wide as its contents, and never wider than the terminal: then columns are dropped in a
// fixed order, the one that may be cut is cut, and long texts are folded between words. Pure.
// Thread: values.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gvctl/style.h"

namespace gracevisor::gvctl {

struct Column {
  enum class Align { left, right } align = Align::left;
  std::string head;
  unsigned drop = 0;             // those with the highest number go first; 0: never
  std::size_t least = SIZE_MAX;  // may be cut to so many characters, if it is the last one that is shown
  bool ends = false;             // then in its middle: the end says as much as the beginning
};

struct Cell {
  std::string text;  // harmless for terminals
  Colour colour = Colour::plain;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  // The head, if it is to be shown, and the rows: lines without their newlines. `width`: unset, no limit.
  [[nodiscard]] std::vector<std::string> lines(std::optional<std::size_t> width, const Style& style,
                                               std::size_t indent = 0) const;

 private:
  [[nodiscard]] std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// In characters: bytes of UTF-8 that continue one do not count.
[[nodiscard]] std::size_t length(std::string_view text);
// At most so many characters: a text that is longer ends with "…".
[[nodiscard]] std::string cut(std::string_view text, std::size_t most);
// The same, with the end of the text behind the "…" if there is room for both.
[[nodiscard]] std::string cut_middle(std::string_view text, std::size_t most);
// Lines of at most `width` characters, broken between words where that is possible; those after the first
// begin with `indent` spaces.
[[nodiscard]] std::vector<std::string> fold(std::string_view text, std::optional<std::size_t> width,
                                            std::size_t indent);

}  // namespace gracevisor::gvctl
