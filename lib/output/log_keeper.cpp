#include "output/log_keeper.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace gracevisor::output {
namespace {

const std::string kUncompressed = "cannot be compressed: ";

}  // namespace

void LogKeeper::keep(LogUpkeep upkeep) {
  if (const auto former = apps_.find(upkeep.app); former != apps_.end()) {
    for (const FilePolicy& file : former->second.files) {
      const bool kept =
          upkeep.any() && std::ranges::find(upkeep.files, file.path, &FilePolicy::path) != upkeep.files.end();
      if (kept) continue;
      waits_.erase(file.path.string());
      tell(file, {});
    }
  }
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
  if (!busy_.empty() && clock_.now() >= busy_until_) due_.merge(std::exchange(busy_, {}));
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
    lists.emplace_back();
    if (waits(file)) continue;
    auto list = ways_.opener->list(file);
    if (list) {
      lists.back() = std::move(*list);
    } else if (list.error().error.code != ENOENT) {
      pause(file, list.error().error.what);
    }
  }
  const LogChores chores = chores_of(upkeep, std::move(lists), std::chrono::system_clock::now());
  for (const LogChores::One& one : chores.remove) {
    if (!waits(upkeep.files[one.first])) remove(upkeep, one);
  }
  for (const LogChores::One& one : chores.compress) {
    if (waits(upkeep.files[one.first])) continue;
    if (under_way_) {
      await_turn(upkeep.app);
      break;
    }
    compress(upkeep, one);
  }
  for (std::size_t i = 0; i < upkeep.files.size(); ++i) {
    const bool all_done =
        std::ranges::find(chores.compress, i, &LogChores::One::first) == chores.compress.end();
    if (all_done && !waits(upkeep.files[i])) tell(upkeep.files[i], {});
  }
}

void LogKeeper::await_turn(const std::string& app) {
  if (std::ranges::find(turns_, app) == turns_.end()) turns_.push_back(app);
}

void LogKeeper::remove(const LogUpkeep& upkeep, const LogChores::One& one) {
  const FilePolicy& file = upkeep.files[one.first];
  auto removed = ways_.opener->remove(file, one.second);
  if (!removed) pause(file, removed.error().error.what);
}

void LogKeeper::compress(const LogUpkeep& upkeep, const LogChores::One& one) {
  const FilePolicy& file = upkeep.files[one.first];
  const auto fail = [&](const base::Error& why) { pause(file, kUncompressed + why.what); };
  auto from = ways_.opener->open_to_read(file, one.second.number);
  if (!from) return fail(from.error().error);
  struct stat st{};
  if (::fstat(from->get(), &st) != 0 || st.st_ino != one.second.inode) return;  // another one by now
  auto into = ways_.opener->begin_compressed(file);
  if (!into && into.error().error.code == EBUSY) {
    busy_.insert(file.path);
    busy_until_ = clock_.now() + kBusy;
    return;
  }
  if (!into) return fail(into.error().error);
  if (compress_({file.path.string(), one.second.size, std::move(*from), std::move(*into), file.user})) {
    under_way_.emplace(UnderWay{file, one.second.inode});
  } else {
    ways_.opener->drop_compressed(file);
  }
}

void LogKeeper::finished(const std::string& trouble) {
  if (!under_way_) return;
  const UnderWay done = std::move(*under_way_);
  under_way_.reset();
  if (!trouble.empty()) {
    ways_.opener->drop_compressed(done.file);
    pause(done.file, kUncompressed + trouble);
  } else if (auto ended = ways_.opener->end_compressed(done.file, done.source);
             !ended && ended.error().error.code != ENOENT) {
    // ENOENT: the old file is gone meanwhile, by its age or their number.
    pause(done.file, kUncompressed + ended.error().error.what);
  }
  while (!under_way_ && !turns_.empty()) {
    const std::string app = std::move(turns_.front());
    turns_.pop_front();
    if (const auto found = apps_.find(app); found != apps_.end()) tend(found->second);
  }
}

bool LogKeeper::waits(const FilePolicy& file) const {
  const auto found = waits_.find(file.path.string());
  return found != waits_.end() && clock_.now() < found->second;
}

void LogKeeper::pause(const FilePolicy& file, const std::string& cause) {
  waits_.insert_or_assign(file.path.string(), clock_.now() + kPause);
  tell(file, cause);
}

// Each cause once. The current file has troubles of its own (log_file.h).
void LogKeeper::tell(const FilePolicy& file, const std::string& cause) {
  const std::string old_files = file.path.string() + ".*";
  const auto known = told_.find(old_files);
  if (known == told_.end() ? cause.empty() : known->second == cause) return;
  if (cause.empty()) {
    told_.erase(known);
  } else {
    told_.insert_or_assign(old_files, cause);
  }
  if (ways_.tell) ways_.tell(old_files, cause);
}

}  // namespace gracevisor::output
