// What a file holds and what is kept in memory, as one sequence without doubles. Plain lines of a file say
// neither when nor by whom; memory knows it of the newest ones. So a line of the file that is also in memory
// is recognised by its text, the newest first, and is shown once, as memory knows it. That holds however the
// file was rotated, copied or truncated from outside. A kept line that came in
// parts may be several plain lines of the file, because those of others came in between: these are shown as
// the one that it was. Of two equal lines either may be taken for the other: nobody could tell.
//
// There may be 200,000 lines, which take longer than a thread that has other things to do may be held up: all
// of it is done in small steps.
//
//   seeing which forms there are -> knowing what is kept -> recognising, from the newest -> joining pieces ->
//   giving an order
//   -> sorting -> letting go -> done
//
// Pure. Thread: any one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "output/log_line.h"
#include "output/run_sort.h"

namespace gracevisor::output {

struct MergedLine {
  base::WallTime order;  // its time; of a line without one, that of the next line of its file that has one
  FileLine line;
};

class LogMerge {
 public:
  // What a step looks at: lines, and bytes of these.
  static constexpr std::size_t kStep = 256;
  static constexpr std::size_t kStepBytes = 256UL << 10;

  // Both oldest first; of `kept` every line has a time.
  LogMerge(std::vector<FileLine> file, std::vector<FileLine> kept);

  // False: done.
  [[nodiscard]] bool step();
  // After that. Sorted by `order`: what a file holds stays in its order, and lines without a time come before
  // all others if no line of their file has one.
  [[nodiscard]] std::vector<MergedLine> take() { return std::move(merged_); }

 private:
  enum class Phase : std::uint8_t {
    forms,
    index,
    recognise,
    pieces,
    order,
    gather,
    sort,
    emit,
    let_go,
    over
  };
  using Places = std::vector<std::size_t>;

  // Each does a part of its phase; true: it is done.
  [[nodiscard]] bool see_forms();
  [[nodiscard]] bool index_kept();
  [[nodiscard]] bool recognise();
  [[nodiscard]] bool join_pieces();
  [[nodiscard]] bool give_order();
  [[nodiscard]] bool gather();
  [[nodiscard]] bool emit();
  [[nodiscard]] bool let_go();
  [[nodiscard]] bool work();

  // Takes the next line to look at. False: this step has looked at enough.
  [[nodiscard]] bool may_look(std::size_t bytes) noexcept;
  [[nodiscard]] std::optional<std::size_t> newest_same(const FileLine& line);
  [[nodiscard]] std::vector<std::size_t> pieces_of(const FileLine& kept) const;

  std::vector<FileLine> file_;
  std::vector<FileLine> kept_;
  Phase phase_ = Phase::forms;
  std::size_t next_ = 0;  // in the phase
  std::size_t lines_left_ = 0;
  std::size_t bytes_left_ = 0;

  bool any_plain_ = false;
  bool any_record_ = false;
  std::unordered_map<std::string, Places> places_;  // of kept lines: by instance, or nothing, and text
  std::vector<bool> shown_;                         // kept lines that the file has
  std::vector<bool> free_;                          // lines of the file that are no kept one
  std::vector<bool> gone_;                          // and those that are no line of their own
  std::size_t looked_for_ = 0;
  std::vector<base::WallTime> orders_;  // of the lines of the file, the last one first
  RunSort<base::WallTime> sort_;
  std::vector<MergedLine> gathered_;
  std::vector<MergedLine> merged_;
};

// All steps at once.
[[nodiscard]] std::vector<MergedLine> merge(std::vector<FileLine> file, std::vector<FileLine> kept);

}  // namespace gracevisor::output
