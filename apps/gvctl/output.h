// One of the standard streams: whole texts, written at once and unbuffered, so that a follower sees each line
// as it comes. When the reader goes away (`gvctl logs -f web | head`), writing ends quietly. Thread: the
// program's.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace gracevisor::gvctl {

class Output {
 public:
  // `descriptor` stays the caller's. SIGPIPE must be ignored.
  explicit Output(int descriptor);

  // false once nothing more can be written; see failure().
  bool write(std::string_view text);

  [[nodiscard]] bool good() const noexcept { return failure_ == 0; }
  // The errno value of the write that failed, 0 if none did. EPIPE: the reader has gone away.
  [[nodiscard]] int failure() const noexcept { return failure_; }
  [[nodiscard]] bool terminal() const noexcept { return terminal_; }
  // Can the line that was written last be replaced? Not on a terminal whose TERM is "dumb".
  [[nodiscard]] bool rewrites() const;
  // Of the terminal now, in characters; unset: it is none, or its size is not known. A width that $COLUMNS
  // gives counts for anything else.
  [[nodiscard]] std::optional<std::size_t> width() const;
  [[nodiscard]] std::optional<std::size_t> height() const;

 private:
  int descriptor_;
  bool terminal_;
  int failure_ = 0;
};

}  // namespace gracevisor::gvctl
