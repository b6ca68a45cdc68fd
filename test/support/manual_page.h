// The parts of manual pages that follow from tables in the code. Thread: the test's.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "support/temp_folder.h"

namespace gracevisor::test {

// `text` as roff source: the characters that roff would interpret are escaped.
inline std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '-') out += '\\';
    out += c == '\\' ? "\\e" : std::string(1, c);
  }
  return out;
}

// The part of the page between the remark that names the table's `file` and the remark that ends the table.
inline std::string table_of(std::string_view page, std::string_view file) {
  const std::string text = content_of(std::string(GV_SOURCE_DIR "/apps/") + std::string(page));
  const std::string begin = ".\\\" The table of " + std::string(file) + "; a test holds the two together.\n";
  const std::size_t from = text.find(begin);
  REQUIRE(from != std::string::npos);
  const std::size_t to = text.find(".\\\" The end of the table.\n", from);
  REQUIRE(to != std::string::npos);
  return text.substr(from + begin.size(), to - from - begin.size());
}

}  // namespace gracevisor::test
