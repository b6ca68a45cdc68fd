// Compresses old log files, one after the other: gzip at the lowest priority, with the rights of the app's
// user, or those of nobody where the daemon is root. It gets two descriptors and no path, so it needs no
// more. Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "command_run.h"
#include "loop/loop.h"
#include "loop/next_turn.h"
#include "output/log_keeper.h"
#include "process/parent.h"

namespace gracevisor::daemon {

class LogCompressor {
 public:
  // `may`: is this daemon the one that starts processes?
  LogCompressor(loop::Loop& loop, process::Parent& parent, std::function<bool()> may)
      : loop_(loop), parent_(parent), may_(std::move(may)), next_turn_(loop, [this] { end(); }) {}
  LogCompressor(const LogCompressor&) = delete;
  LogCompressor& operator=(const LogCompressor&) = delete;
  ~LogCompressor() = default;

  // One at a time. `done`, not inside this call: with what went wrong, if anything.
  void compress(output::Compression what, std::function<void(std::string trouble)> done);

 private:
  void end();

  loop::Loop& loop_;
  process::Parent& parent_;
  std::function<bool()> may_;
  std::unique_ptr<CommandRun> run_;
  std::function<void(std::string)> done_;
  std::string trouble_;
  loop::NextTurn next_turn_;
};

}  // namespace gracevisor::daemon
