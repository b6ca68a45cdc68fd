// Ending former processes: each by its own stop ladder, all in parallel.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/pending_stop.h"
#include "base/signal_name.h"
#include "process/pidfd.h"
#include "process/process_tree.h"
#include "supervise/former_processes.h"

namespace gracevisor::supervise {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPause = std::chrono::milliseconds(20);
constexpr auto kLongestPause = std::chrono::milliseconds(200);
constexpr auto kUnkillable = std::chrono::seconds(10);
constexpr std::size_t kWatched = 256;  // descriptors held at a time
constexpr unsigned kQuietLooks = 2;

}  // namespace

class FormerEnd::Ladder {
 public:
  Ladder(base::Log& log, Subject subject) : log_(log), subject_(std::move(subject)) {}

  void run() {
    while (step()) {
      if (any_) wait(found_);
    }
  }

  std::optional<base::Duration> step() {
    const Kept kept = subject_.kept();
    table_.emplace(inspect::read_process_table());
    members_ = subject_.members();
    found_ = judge_former({*table_, ::getpid(), subject_.keeper, kept, subject_.state_id, subject_.record,
                           [this](pid_t pid) { return marks_at_rest(pid); }, subject_.configured});
    any_ = false;
    hurried_ = hurried_ || base::told_to_stop();
    for (const FormerProcess& former : found_) any_ = handle(former, found_) || any_;
    quiet_ = any_ ? 0 : quiet_ + 1;
    if (quiet_ < kQuietLooks) return any_ ? kLongestPause : kPause;
    if (!climbs_.empty()) log_.warning("former ended={} killed={}", climbs_.size(), killed_);
    return std::nullopt;
  }

 private:
  using Key = std::pair<pid_t, std::uint64_t>;
  struct Climb {
    std::size_t rung = 0;  // the next one
    Clock::time_point until{};
    bool killed = false;
    bool given_up = false;
  };

  // Waits for one that is just executing a program; not for long, all together.
  std::optional<inspect::ProcessMarks> marks_at_rest(pid_t pid) {
    // Whatever its environment says by now.
    if (const auto member = members_.find(pid); member != members_.end())
      return inspect::ProcessMarks{subject_.state_id, member->second.app, member->second.instance};
    inspect::MarksSeen seen = inspect::read_marks(pid);
    for (; seen.executing && pauses_left_ > 0; --pauses_left_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      seen = inspect::read_marks(pid);
    }
    return seen.marks;
  }

  static Key key_of(const FormerProcess& former) { return {former.entry->pid, former.entry->started}; }
  static std::string describe(const FormerProcess& former) {
    return fmt::format("app={} instance={} pid={} name=\"{}\"", former.app,
                       former.instance.empty() ? "-" : former.instance, former.entry->pid,
                       former.entry->name);
  }

  // Is there anything to wait for?
  bool handle(const FormerProcess& former, const std::vector<FormerProcess>& all) {
    if (!former.ended) {
      if (named_.insert(key_of(former)).second) {
        log_.warning("former {} cause=\"left alone: {}\"", describe(former), former.why);
      }
      return false;
    }
    if (!hurried_ && !climbs_.contains(key_of(former)) && waits_for_main(former, all)) return true;
    Climb& climb = climbs_[key_of(former)];
    if (climb.given_up) return false;
    if (Clock::now() < climb.until && (!hurried_ || climb.killed)) return true;
    return step(former, climb);
  }

  // As when stopping a live instance: first the main process, with its group unless the scope says less.
  static bool waits_for_main(const FormerProcess& former, const std::vector<FormerProcess>& all) {
    for (const FormerProcess& other : all) {
      bool its_main = other.main && other.ended && other.app == former.app &&
                      other.instance == former.instance && other.entry->pid != former.entry->pid;
      if (!its_main || former.main) continue;
      bool in_scope = former.stop.scope == config::Stop::Scope::group;
      if (!in_scope || former.entry->group != other.entry->pid) return true;
    }
    return false;
  }

  bool step(const FormerProcess& former, Climb& climb) {
    if (climb.killed) {
      climb.given_up = true;
      log_.error("former {} cause=\"it outlives SIGKILL\"", describe(former));
      return false;
    }
    int signal = SIGKILL;
    if (!hurried_ && climb.rung < former.stop.ladder.size()) {
      const config::StopStep& rung = former.stop.ladder[climb.rung++];
      signal = rung.signal;
      climb.until = Clock::now() + rung.wait;
    } else {
      climb.killed = true;
      ++killed_;
      climb.until = Clock::now() + kUnkillable;
    }
    log_.warning("former {} signal={}", describe(former), base::signal_name(signal));
    if (process::send_to(*former.entry, signal) && signal != SIGKILL)
      (void)process::send_to(*former.entry, SIGCONT);
    return true;
  }

  // Until the first of them ends, or for a short while.
  static void wait(const std::vector<FormerProcess>& found) {
    std::vector<base::UniqueFd> files;
    std::vector<pollfd> watched;
    for (const FormerProcess& former : found) {
      if (!former.ended || files.size() >= kWatched) continue;
      auto pidfd = process::open_pidfd(former.entry->pid);
      if (!pidfd) continue;
      watched.push_back({pidfd->get(), POLLIN, 0});
      files.push_back(std::move(*pidfd));
    }
    auto pause = watched.empty() ? kPause : kLongestPause;
    (void)!::poll(watched.data(), watched.size(), static_cast<int>(pause.count()));
  }

  base::Log& log_;
  Subject subject_;
  std::map<pid_t, process::CgroupHome::Member> members_;
  std::optional<inspect::ProcessTable> table_;  // of the last look, with what was found in it
  std::vector<FormerProcess> found_;
  bool any_ = false;  // is there anything to wait for?
  unsigned quiet_ = 0;
  std::map<Key, Climb> climbs_;
  std::set<Key> named_;
  std::size_t killed_ = 0;
  bool hurried_ = false;
  int pauses_left_ = 200;  // of a millisecond
};

FormerEnd::FormerEnd(base::Log& log, Subject subject)
    : ladder_(std::make_unique<Ladder>(log, std::move(subject))) {}

FormerEnd::~FormerEnd() = default;

void FormerEnd::run() {
  ladder_->run();
}

std::optional<base::Duration> FormerEnd::step() {
  return ladder_->step();
}

}  // namespace gracevisor::supervise
