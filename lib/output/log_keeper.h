// Does what LogUpkeep says for the old files of each app: when it is told what holds, when one of the files
// was rotated, and every minute. One file of all is compressed at a time, by a process of low priority that
// reads one descriptor and writes another:
//
//   writer thread: opens the old file and "web.log.gz.part" --descriptors--> supervisor: gzip, through
//   gv-exec supervisor --it ended--> writer thread: syncs it, and puts it in the place of the old file, whose
//   number
//                            may have changed by then
//
// Rotation and this are on one thread, so no file is renamed in between. Thread: the writer's.
#pragma once

#include <cstdint>
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
  std::string path;  // of the log, for people
  base::UniqueFd from;
  base::UniqueFd into;
  const spawn::Credentials* user = nullptr;  // with whose rights; null: with as few as there are
};

class LogKeeper {
 public:
  static constexpr base::Duration kInterval = std::chrono::seconds(60);
  // After a file could not be compressed, none is tried for so long.
  static constexpr base::Duration kPause = std::chrono::minutes(10);

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
    base::UniqueFd into;
  };

  void tend(const LogUpkeep& upkeep);
  void remove(const LogUpkeep& upkeep, const LogChores::One& one);
  void compress(const LogUpkeep& upkeep, const LogChores::One& one);
  void pause(const std::string& path, const std::string& cause);
  void tell(const std::string& path, const std::string& cause);

  const base::Clock& clock_;
  LogWays ways_;
  std::function<bool(Compression)> compress_;
  std::map<std::string, LogUpkeep> apps_;
  std::set<std::filesystem::path> due_;
  base::TimePoint next_{};  // when all are looked at
  std::optional<UnderWay> under_way_;
  base::TimePoint compress_from_{};
  std::map<std::string, std::string> told_;  // causes, by path
};

}  // namespace gracevisor::output
