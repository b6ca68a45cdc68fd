// What crosses to the threads that write: bytes for one file, which stream they are of, and what is missing
// in front of them. Values; thread: any.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/strong.h"
#include "spawn/plan.h"

namespace gracevisor::output {

struct FilePolicy {
  std::filesystem::path path;  // empty: the daemon's standard error
  std::uint64_t max_size = 50ULL << 20;
  unsigned keep = 5;
  bool json = false;   // lines are JSON objects: the mark of what was dropped is one, too
  bool block = false;  // however long the writer takes, its streams wait: nothing is dropped for that
  // The app's user, who may be the one to open it; null: the daemon's. Lives as long as the writer
  // (Writer::user).
  const spawn::Credentials* user = nullptr;
};

// Whose bytes they are: a stream of a process goes on in the middle of a line where it left off, everything
// else begins on a new one. 0: whole lines only.
using Source = base::Strong<std::uint64_t, struct SourceTag>;

// What is missing at some place of a file.
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
  // The line that tells it in a file, with its newline.
  [[nodiscard]] std::string marker(bool json) const;
};

struct Lines {
  FilePolicy policy;
  std::string text;  // whole lines, but where the first or the last source has said otherwise
  Dropped before;    // in front of `text`
  Source first;      // whose the first byte is
  Source last;       // whose the last byte is
};

// How a file or a stream ends so far, so that bytes of two sources never share a line: only where one's line
// is unfinished when another begins is a newline put between them.
class Seam {
 public:
  // What has to be written in front of bytes of `next`: a newline or nothing.
  [[nodiscard]] std::string_view in_front_of(Source next) const noexcept {
    return torn_ && next != last_ ? "\n" : "";
  }
  // The last bytes that were written, not empty, and whose they were.
  void wrote(std::string_view bytes, Source whose) noexcept {
    torn_ = bytes.back() != '\n';
    last_ = whose;
  }
  [[nodiscard]] bool torn() const noexcept { return torn_; }
  void reset() noexcept { torn_ = false; }

 private:
  bool torn_ = false;  // the last byte is not a newline
  Source last_;
};

}  // namespace gracevisor::output
