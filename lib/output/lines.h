// What is passed to the writing threads: bytes for one file, the stream they come from, and what is missing
// before them. Values; thread: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

#include "base/strong.h"
#include "spawn/plan.h"

namespace gracevisor::output {

// Where lines go: to a file, or to somebody who listens at a socket (sink.h).
enum class SinkKind : std::uint8_t { file, syslog, journal };

struct FilePolicy {
  std::filesystem::path path;  // empty: the daemon's standard error; of a sink: see sink_socket.h
  std::uint64_t max_size = 0;  // bytes at which the file is rotated; 0: never
  unsigned keep = 0;           // rotated files
  bool json = false;           // lines are JSON objects: the marker for dropped lines is one, too
  bool records = false;        // lines are records (log_line.h)
  bool block = false;  // its streams wait however long the writer takes: nothing is dropped because of that
  // The app's user, with whose rights the file may have to be opened; null: the daemon's. Lives as long as
  // the writer (Writer::user).
  const spawn::Credentials* user = nullptr;
  SinkKind sink = SinkKind::file;
  // Of a sink: whose lines these are, all of which are prefixed records; empty: the daemon's own.
  std::string app = {};

  // What is batched together: there is one queue for each sink.
  [[nodiscard]] const std::string& key() const noexcept {
    return sink == SinkKind::file ? path.native() : app;
  }
  // As it is told to people: "/var/log/web.log", "syslog:/dev/log".
  [[nodiscard]] std::string name() const;
};

// Where bytes come from: a process's stream continues in the middle of a line where it left off; anything
// else begins on a new line. 0: whole lines only.
using Source = base::Strong<std::uint64_t, struct SourceTag>;

// What is missing at one place in a file.
struct Dropped {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;

  // A line counts where its newline is: one that comes in several pieces counts once.
  void add(std::string_view text);
  void add(const Dropped& more) noexcept {
    lines += more.lines;
    bytes += more.bytes;
  }
  [[nodiscard]] bool none() const noexcept { return lines == 0 && bytes == 0; }
  // The line that notes it in a file, with its newline.
  [[nodiscard]] std::string marker(bool json) const;
};

struct Lines {
  FilePolicy policy;
  std::string text;  // whole lines, except at the start or end if `first` or `last` is set
  Dropped before;    // missing before `text`
  Source first;      // the source of the first byte
  Source last;       // the source of the last byte
};

// Whoever left a file's last line unfinished in an earlier run, and goes on with it.
inline constexpr Source kFormerSource{std::numeric_limits<std::uint64_t>::max()};

// How a file or a stream currently ends, so that bytes of two sources never share a line: a newline is put
// between them only if one source's line is unfinished when another begins.
class Seam {
 public:
  // What has to be written before bytes of `next`: a newline or nothing.
  [[nodiscard]] std::string_view in_front_of(Source next) const noexcept {
    return torn_ && next != last_ ? "\n" : "";
  }
  // Records the last bytes written, not empty, and their source.
  void wrote(std::string_view bytes, Source whose) noexcept {
    torn_ = bytes.back() != '\n';
    last_ = whose;
  }
  [[nodiscard]] bool torn() const noexcept { return torn_; }
  void reset() noexcept { torn_ = false; }
  // An earlier run wrote the last bytes, and no newline.
  void was_left_torn() noexcept {
    torn_ = true;
    last_ = kFormerSource;
  }

 private:
  bool torn_ = false;  // the last byte is not a newline
  Source last_;
};

}  // namespace gracevisor::output
