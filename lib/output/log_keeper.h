// Does what LogUpkeep says for the old files of each app: when it is told what holds, when one of the files
// was rotated, and every minute. One file of all is compressed at a time, by a process of low priority that
// reads one descriptor and writes another:
//
//   writer thread: opens the old file and "web.log.gz.part" --descriptors--> supervisor: gzip, by gv-exec
//   supervisor --it ended, and all is on the disk--> writer thread: puts it in the place of the old file,
//                                                    whose number may have changed by then
//
// Rotation and this are on one thread, so no file is renamed in between. The apps that have something to
// compress take turns. Where something fails, that log alone waits for a while: its user may be able to make
// it fail again and again. Thread: the writer's.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "output/log_file.h"
#include "output/log_upkeep.h"

namespace gracevisor::output {

// Somebody compresses `from` into `into`.
struct Compression {
  std::string path;         // of the log, for people
  std::uint64_t bytes = 0;  // of what is to be compressed
  base::UniqueFd from;
  base::UniqueFd into;
  const spawn::Credentials* user = nullptr;  // with whose rights; null: with as few as there are
};

class LogKeeper {
 public:
  static constexpr base::Duration kInterval = std::chrono::seconds(60);
  // After old files of a log could not be listed or compressed, it is left alone for so long.
  static constexpr base::Duration kPause = std::chrono::minutes(10);
  // After another process was found to compress one, which a former daemon left and this one ends.
  static constexpr base::Duration kBusy = std::chrono::seconds(5);

  // `compress` takes it or returns false; finished() follows.
  LogKeeper(const base::Clock& clock, LogWays ways, std::function<bool(Compression)> compress)
      : clock_(clock), ways_(std::move(ways)), compress_(std::move(compress)) {}

  // Replaces what held for its app; nothing of it any more if there is no limit.
  void keep(LogUpkeep upkeep);
  // A file got a new old file.
  void rotated(const std::filesystem::path& path) { due_.insert(path); }
  // What is due.
  void work();
  // The compression ended; `trouble` is empty if all is in it.
  void finished(const std::string& trouble);

 private:
  struct UnderWay {
    FilePolicy file;
    std::uint64_t source = 0;  // inode
  };

  void tend(const LogUpkeep& upkeep);
  void await_turn(const std::string& app);
  void remove(const LogUpkeep& upkeep, const LogChores::One& one);
  void compress(const LogUpkeep& upkeep, const LogChores::One& one);
  [[nodiscard]] bool waits(const FilePolicy& file) const;
  void pause(const FilePolicy& file, const std::string& cause);
  void tell(const FilePolicy& file, const std::string& cause);

  const base::Clock& clock_;
  LogWays ways_;
  std::function<bool(Compression)> compress_;
  std::map<std::string, LogUpkeep> apps_;
  std::set<std::filesystem::path> due_;
  base::TimePoint next_{};  // when all are looked at
  std::set<std::filesystem::path> busy_;
  base::TimePoint busy_until_{};
  std::optional<UnderWay> under_way_;
  std::deque<std::string> turns_;                 // apps with something to compress, after that
  std::map<std::string, base::TimePoint> waits_;  // until when, by path
  std::map<std::string, std::string> told_;       // causes that hold, by "/var/log/web.log.*"
};

}  // namespace gracevisor::output
