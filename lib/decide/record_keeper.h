// Sees to it that an app's state record reaches the disk: it has the newest record written, and retries after
// 1 s, 2 s, … 30 s until that succeeds. A decider.
//
//   settled --write--> asked --written--> settled
//                       | ^
//                 failed| |due, or write
//                       v |
//                      waiting
//
// Every state accepts write(); only the answer to the newest one settles it. A disk that does not answer for
// 10 s is trouble, too, but it is not asked a second time. Thread: the supervisor's.
#pragma once

#include <optional>
#include <string>

#include "decide/effects.h"

namespace gracevisor::decide {

class RecordKeeper {
 public:
  // The newest record is not known to be on disk.
  struct Trouble {
    base::TimePoint since{};  // of the first failure
    std::string cause;
  };

  RecordKeeper(base::AppId app, std::string name, const Surroundings& around)
      : app_(app), name_(std::move(name)), effects_(around.effects), knowledge_(around.knowledge) {}

  // Asks for this record in place of any earlier one. Returns its serial, which every App::on_recorded()
  // about it carries.
  std::uint64_t write(spec::AppState state);
  // The daemon ends: a record that waits for its next try is tried now.
  void try_now();

  void on_recorded(std::uint64_t serial, const base::Expected<void>& written);
  void on_timer();

  // The newest record was asked for, and the answer is neither here nor overdue.
  [[nodiscard]] bool asked() const { return state_ == State::asked && !overdue_; }
  // The same of the record with this serial, or a later one in its place.
  [[nodiscard]] bool asks(std::uint64_t serial) const { return asked() && written_ < serial; }
  // Set from a failure or a missing answer until the next success.
  [[nodiscard]] const std::optional<Trouble>& trouble() const { return trouble_; }

 private:
  enum class State : std::uint8_t { settled, asked, waiting };
  void ask();
  void note(const std::string& cause);

  base::AppId app_;
  std::string name_;
  Effects& effects_;
  const Knowledge& knowledge_;
  State state_ = State::settled;
  spec::AppState wanted_;  // in states asked and waiting
  std::uint64_t serial_ = 0;
  std::uint64_t written_ = 0;  // the newest serial that is known to be on disk
  bool overdue_ = false;       // in state asked: no answer for kPatience
  base::Duration delay_{};
  std::optional<Trouble> trouble_;
};

}  // namespace gracevisor::decide
