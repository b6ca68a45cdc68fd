// What was done to an app: its last commands with their whole reports, kept on disk across restarts of the
// daemon in <state_dir>/history/NAME.json. A command is added once its report is finished. A file that cannot
// be read is no reason for anything to fail: the history then begins anew.
//
// Bounds: kMost commands; of a long report its beginning and its end, of a long line its beginning.
// Thread: the supervisor's; the file is read at the first use.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/strong.h"
#include "decide/report.h"

namespace gracevisor::supervise {

struct PastCommand {
  decide::Command command;
  std::chrono::sys_seconds at{};    // when it began
  base::GenerationId generation{};  // that it concerned; 0: none
  std::vector<decide::ReportLine> lines = {};

  [[nodiscard]] const decide::ReportLine& last() const { return lines.back(); }
};

// To the file's content (JSON), and back. Commands without a last line are left out.
[[nodiscard]] std::string to_text(const std::deque<PastCommand>& commands);
[[nodiscard]] base::Expected<std::deque<PastCommand>> past_commands(std::string_view text);

class History {
 public:
  static constexpr std::size_t kMost = 20;
  static constexpr std::size_t kMostLines = 100;
  static constexpr std::size_t kMostText = 1024;  // bytes of a line

  // `write` replaces the file's content. It outlives this.
  using Write = std::function<void(const std::filesystem::path& file, std::string text)>;
  History(std::filesystem::path file, Write write) : file_(std::move(file)), write_(std::move(write)) {}

  // Oldest first.
  [[nodiscard]] const std::deque<PastCommand>& commands();

  void add(PastCommand command);

 private:
  std::filesystem::path file_;
  Write write_;
  std::optional<std::deque<PastCommand>> commands_;  // unset: not read yet
};

// `history` gets the report once it is finished; now, if it is.
void keep(const std::shared_ptr<History>& history, const std::shared_ptr<decide::Report>& report);

}  // namespace gracevisor::supervise
