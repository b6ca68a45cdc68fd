// How the apps' slots fare (spec/slots_record.h), for the daemon that follows this one when it dies: a file
// in memory, which the keeper holds. So a change costs one write, which no disk delays, and a killed daemon
// has left all that it knew. Each change adds a line; a new file is begun before one has more than four times
// what counts, and kSlack. The files have two names in turn, and a number: the keeper has the new one before
// the former one is given up. Thread: the supervisor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/holder.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "spec/slots_record.h"

namespace gracevisor::supervise {

class SlotsJournal {
 public:
  static constexpr std::size_t kSlack = 64U << 10;  // bytes
  static constexpr std::size_t kMost = 32U << 20;   // bytes; what would not fit is not kept

  // Without a holder (null) nothing outlives this daemon, and nothing is kept.
  SlotsJournal(base::Holder* holder, base::Log& log) : holder_(holder), log_(log) {}

  // What the former daemon of this keeper has left. Once.
  [[nodiscard]] spec::SlotsRecords take_former();
  // How an app's slots are now. False: that could not be kept, as the log has said, and nothing is; ask
  // again.
  [[nodiscard]] bool keep(spec::SlotsRecord slots);
  // There is no such app any more.
  void forget(const std::string& app);

 private:
  struct Kept {
    spec::SlotsRecord slots;
    std::size_t bytes = 0;
  };
  [[nodiscard]] base::Expected<void> add(const std::string& line);
  [[nodiscard]] base::Expected<void> begin_anew();

  base::Holder* holder_;
  base::Log& log_;
  base::UniqueFd file_;       // empty: not begun, or given up
  std::uint64_t number_ = 0;  // of the newest file, also of the former daemon's
  std::map<std::string, Kept> apps_;
  std::size_t live_ = 0;   // bytes of the newest lines
  std::size_t bytes_ = 0;  // of the file
  bool failed_ = false;    // and the log said so
};

}  // namespace gracevisor::supervise
