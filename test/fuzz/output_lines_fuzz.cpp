// Log files of others, and lines of apps; the first byte says how the rest is sliced. Oracles: the lines that
// are read backward are those of the file, however it is sliced; no line crashes what reads its head; and
// what is written of bytes reads back as they are, or, in JSON, as long as they are UTF-8; and whatever a
// line has, it stays the text of its message to syslog or journald.
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
#include "output/sink_message.h"

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

// A line of an app, as syslog and journald get it.
void send(const std::string& line) {
  const std::string before = "<28>Nov 29 20:01:02 web[5.1]: ";
  std::string records;
  output::append_records(output::LogFormat::prefixed, {{}, "web", "5.1", output::LogStream::err}, line + "\n",
                         records);
  std::size_t at = 0;
  auto record = output::next_record(records, at);
  require(record && at == records.size() && record->text == line, "a record is not taken");
  std::string journal;
  output::append_journal(*record, journal);
  require(journal.starts_with("MESSAGE=" + line + "\nPRIORITY=4\n"), "a line is no field of its own");
  std::string whole;
  std::string_view rest = line;
  do {
    record->text = rest.substr(0, output::piece_of(rest, 7));
    require(rest.empty() || !record->text.empty(), "a piece is empty");
    rest.remove_prefix(record->text.size());
    std::string message;
    output::append_local_syslog(*record, "Nov 29 20:01:02", message);
    require(message.starts_with(before), "a line changes the head of its message");
    require(message.find('\0') == std::string::npos, "a line ends its message");
    whole += record->text;
  } while (!rest.empty());
  require(whole == line, "the pieces are another line");
  at = 0;
  const std::string own = "2026-11-29T19:01:02.345+00:00 warning " + line + "\n";
  const auto told = output::next_own_line(own, at);
  require(told && at == own.size() && told->text == line, "a line of the daemon's is not taken");
  require(line.starts_with(told->event), "an event is not of its line");
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
    send(line);
  }
  return 0;
}
