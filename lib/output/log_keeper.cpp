#include "output/log_keeper.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace gracevisor::output {

void LogKeeper::keep(LogUpkeep upkeep) {
  if (!upkeep.any()) {
    apps_.erase(upkeep.app);
    return;
  }
  for (const FilePolicy& file : upkeep.files) due_.insert(file.path);
  std::string app = upkeep.app;
  apps_.insert_or_assign(std::move(app), std::move(upkeep));
}

void LogKeeper::work() {
  const bool all = clock_.now() >= next_;
  if (all) next_ = clock_.now() + kInterval;
  if (!all && due_.empty()) return;
  const auto due = std::exchange(due_, {});
  for (const auto& [app, upkeep] : apps_) {
    const bool wanted = all || std::ranges::any_of(upkeep.files, [&due](const FilePolicy& file) {
                          return due.contains(file.path);
                        });
    if (wanted) tend(upkeep);
  }
}

void LogKeeper::tend(const LogUpkeep& upkeep) {
  std::vector<std::vector<base::OldFile>> lists;
  for (const FilePolicy& file : upkeep.files) {
    auto list = ways_.opener->list(file);
    if (!list && list.error().error.code != ENOENT) tell(file.path.string(), list.error().error.what);
    lists.push_back(list ? std::move(*list) : std::vector<base::OldFile>());
  }
  const LogChores chores = chores_of(upkeep, std::move(lists), std::chrono::system_clock::now());
  for (const LogChores::One& one : chores.remove) remove(upkeep, one);
  for (const LogChores::One& one : chores.compress) {
    if (under_way_ || clock_.now() < compress_from_) break;
    compress(upkeep, one);
  }
}

void LogKeeper::remove(const LogUpkeep& upkeep, const LogChores::One& one) {
  const FilePolicy& file = upkeep.files[one.first];
  auto removed = ways_.opener->remove(file, one.second);
  tell(file.path.string(), removed ? std::string() : removed.error().error.what);
}

void LogKeeper::compress(const LogUpkeep& upkeep, const LogChores::One& one) {
  const FilePolicy& file = upkeep.files[one.first];
  auto from = ways_.opener->open_to_read(file, one.second.number);
  if (!from) return pause(file.path.string(), from.error().error.what);
  struct stat st{};
  if (::fstat(from->get(), &st) != 0 || st.st_ino != one.second.inode) return;  // another one by now
  auto into = ways_.opener->begin_compressed(file);
  if (!into) return pause(file.path.string(), into.error().error.what);
  auto copy = base::duplicate(into->get());
  if (copy && compress_({file.path.string(), std::move(*from), std::move(*copy), file.user})) {
    under_way_.emplace(UnderWay{file, one.second.inode, std::move(*into)});
    return;
  }
  ways_.opener->drop_compressed(file);
  pause(file.path.string(), copy ? std::string() : copy.error().what);
}

void LogKeeper::finished(const std::string& trouble) {
  if (!under_way_) return;
  const UnderWay done = std::move(*under_way_);
  under_way_.reset();
  std::string cause = trouble;
  if (cause.empty() && ::fsync(done.into.get()) != 0) cause = base::system_error("cannot sync", errno).what;
  if (!cause.empty()) {
    ways_.opener->drop_compressed(done.file);
    return pause(done.file.path.string(), cause);
  }
  auto ended = ways_.opener->end_compressed(done.file, done.source);
  // Gone meanwhile, by its age or their number.
  if (!ended && ended.error().error.code != ENOENT) {
    return pause(done.file.path.string(), ended.error().error.what);
  }
  tell(done.file.path.string(), {});
  // The next one.
  due_.insert(done.file.path);
  work();
}

void LogKeeper::pause(const std::string& path, const std::string& cause) {
  compress_from_ = clock_.now() + kPause;
  if (!cause.empty()) tell(path, "old files cannot be compressed: " + cause);
}

// Each cause once, and not that it is over: that is said of the current file alone.
void LogKeeper::tell(const std::string& path, const std::string& cause) {
  std::string& told = told_[path];
  if (told == cause) return;
  told = cause;
  if (!cause.empty() && ways_.tell) ways_.tell(path, cause);
}

}  // namespace gracevisor::output
