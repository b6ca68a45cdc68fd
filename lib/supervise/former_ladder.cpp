// Ending former processes: each by its own stop ladder, all in parallel.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <map>
#include <set>
#include <thread>

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

bool told_to_stop() {
  sigset_t pending;
  if (::sigpending(&pending) != 0) return false;
  return ::sigismember(&pending, SIGTERM) == 1 || ::sigismember(&pending, SIGINT) == 1 ||
         ::sigismember(&pending, SIGQUIT) == 1;
}

class FormerLadder {
 public:
  FormerLadder(base::Log& log, pid_t keeper, const std::string& state_id, const spec::ProcessRecord& record,
               const ConfiguredStops& configured)
      : log_(log), keeper_(keeper), state_id_(state_id), record_(record), configured_(configured) {}

  void run() {
    unsigned quiet = 0;
    while (quiet < kQuietLooks) {
      inspect::ProcessTable table = inspect::read_process_table();
      auto found = judge_former({table, ::getpid(), keeper_, kept_, state_id_, record_,
                                 [this](pid_t pid) { return marks_at_rest(pid); }, configured_});
      bool any = false;
      hurried_ = hurried_ || told_to_stop();
      for (const FormerProcess& former : found) any = handle(former, found) || any;
      quiet = any ? 0 : quiet + 1;
      if (any) wait(found);
    }
    if (!climbs_.empty()) log_.warning("former ended={} killed={}", climbs_.size(), killed_);
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
  pid_t keeper_;
  Kept kept_;
  const std::string& state_id_;
  const spec::ProcessRecord& record_;
  const ConfiguredStops& configured_;
  std::map<Key, Climb> climbs_;
  std::set<Key> named_;
  std::size_t killed_ = 0;
  bool hurried_ = false;
  int pauses_left_ = 200;  // of a millisecond
};

}  // namespace

void end_former_processes(base::Log& log, pid_t keeper, const std::string& state_id,
                          const spec::ProcessRecord& record, const ConfiguredStops& configured) {
  FormerLadder(log, keeper, state_id, record, configured).run();
}

}  // namespace gracevisor::supervise
