// The lines of log files: how those of an app's instances are written so that each says when and by whom, and
// what a line that is read back says.
//
//   prefixed   2026-11-29T19:01:02.345Z web@5.1 out| the line, byte for byte
//   json       {"time":"2026-11-29T19:01:02.345Z","app":"web","instance":"5.1","stream":"out","line":"..."}
//   plain      the line alone (which takes none of this)
//
// "out" may be "err". A line that goes on in the next record of its stream, because it is longer than
// 1 MiB or was not finished within 2 s, has "out+" instead of "out|", or ,"cut":true at its end. In JSON, a
// control character, '"' and '\' are escaped, and each byte that is not UTF-8 becomes U+FFFD: what is written
// otherwise reads back exactly. A file may change from one form to another at any line. Thread: values, any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/rfc3339.h"

namespace gracevisor::output {

enum class LogFormat : std::uint8_t { plain, prefixed, json };
enum class LogStream : std::uint8_t { unknown, out, err };

// Whose line it is.
struct LineHead {
  base::WallTime time;
  std::string_view app;
  std::string_view instance;  // "5.1"
  LogStream stream = LogStream::out;
};

// Bytes of a line that are read back.
inline constexpr std::size_t kMostText = 64UL << 10;

// Appends a record for each line of `bytes`, which need not end with a newline: then the line goes on.
// Not for plain.
void append_records(LogFormat format, const LineHead& head, std::string_view bytes, std::string& out);

// A line of a file, or what is known of it.
struct FileLine {
  std::optional<base::WallTime> time;  // to the millisecond
  std::string instance;                // empty: the line does not say
  LogStream stream = LogStream::unknown;
  std::string text;        // without its newline
  bool goes_on = false;    // in the next record of its stream
  bool shortened = false;  // its end is left out here
  std::size_t parts = 1;   // of which it was put together
  bool operator==(const FileLine&) const = default;
};

// The record of an instance of `app`; unset: it is none, so the line is plain, or of another app. `cut`: the
// end of `line` is missing.
[[nodiscard]] std::optional<FileLine> parse_record(std::string_view line, bool cut, std::string_view app);

// What a prefixed record of `app` says before its text, which begins `size` bytes into `line`; unset: it is
// none. `head` points into `line` and `app`.
struct RecordHead {
  LineHead head;
  bool goes_on = false;
  std::size_t size = 0;
};
[[nodiscard]] std::optional<RecordHead> prefix_of(std::string_view line, std::string_view app);

// The app that a line names if it is a record, of which no more is looked at; empty: it is none.
[[nodiscard]] std::string_view app_of_record(std::string_view line);

// `text` as it reads back from JSON.
[[nodiscard]] std::string as_in_json(std::string_view text);

// The time that a line of an access log in either format begins with, or of the daemon's own log.
[[nodiscard]] std::optional<base::WallTime> access_time(std::string_view line);
// The app that a line of an access log names; empty: no app took the request; unset: its format does not say.
[[nodiscard]] std::optional<std::string_view> access_app(std::string_view line);
[[nodiscard]] std::optional<base::WallTime> daemon_time(std::string_view line);

}  // namespace gracevisor::output
