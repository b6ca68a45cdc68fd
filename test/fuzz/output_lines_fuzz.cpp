// Log files of others, and lines of apps; the first byte says how the rest is sliced. Oracles: the lines that
// are read backward are those of the file, however it is sliced; no line crashes what reads its head; and
// what is written of bytes reads back as they are, or, in JSON, as long as they are UTF-8.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "output/backward_lines.h"
#include "output/log_line.h"

namespace {

using namespace gracevisor;
using output::BackwardLines;

void require(bool condition, const char* about) {
  if (condition) return;
  (void)std::fprintf(stderr, "%s\n", about);
  std::abort();
}

std::vector<std::string> lines_of(std::string_view file) {
  std::vector<std::string> lines;
  while (!file.empty()) {
    const std::size_t end = file.find('\n');
    lines.emplace_back(file.substr(0, std::min(end, BackwardLines::kMost)));
    file.remove_prefix(end == std::string_view::npos ? file.size() : end + 1);
  }
  std::ranges::reverse(lines);
  return lines;
}

std::vector<std::string> lines_from_end(std::string_view file, std::size_t slice) {
  std::vector<std::string> lines;
  const auto take = [&](std::string_view line, bool /*cut*/) {
    lines.emplace_back(line);
    return true;
  };
  BackwardLines backward;
  for (std::size_t end = file.size(); end > 0;) {
    const std::size_t begin = end - std::min(end, slice);
    require(backward.add(file.substr(begin, end - begin), take), "a line was refused");
    end = begin;
  }
  require(backward.begin_of_file(take), "the first line was refused");
  return lines;
}

void read_heads(const std::string& line) {
  for (const bool cut : {false, true}) {
    if (auto record = output::parse_record(line, cut, "web")) {
      require(record->time.has_value() && !record->instance.empty(), "a record without its head");
      require(record->text.size() <= line.size(), "a record says more than its line");
    }
  }
  (void)output::access_time(line);
  (void)output::daemon_time(line);
}

// A line of an app, in each form and back.
void write_and_read(const std::string& line) {
  const output::LineHead head{base::WallTime{}, "web", "5.1", output::LogStream::err};
  for (const auto format : {output::LogFormat::prefixed, output::LogFormat::json}) {
    std::string text;
    output::append_records(format, head, line + "\n", text);
    require(text.ends_with('\n') && std::ranges::count(text, '\n') == 1, "a record is a line");
    text.pop_back();
    const auto read = output::parse_record(text, false, "web");
    require(read.has_value(), "a record is not read back");
    require(read->instance == "5.1" && read->stream == output::LogStream::err && !read->goes_on,
            "another head");
    const bool exact = format == output::LogFormat::prefixed ||
                       std::ranges::all_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    require(!exact || read->text == line, "another line");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view file(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<std::string> lines = lines_of(file);
  require(lines_from_end(file, std::size_t{data[0]} + 1) == lines, "other lines");
  for (const std::string& line : lines) {
    read_heads(line);
    write_and_read(line);
  }
  return 0;
}
