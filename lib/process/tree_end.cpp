#include "process/tree_end.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace gracevisor::process {
namespace {

using std::chrono::milliseconds;

constexpr base::Duration kFirstPause = milliseconds(10);
constexpr base::Duration kLongestPause = milliseconds(500);
constexpr base::Duration kLongestLeft = std::chrono::seconds(10);
// How long a kill may stop processes and look for more before it sends SIGKILL.
constexpr base::Duration kHunt = milliseconds(250);
constexpr unsigned kQuietLooks = 2;
// How long an orphan that is executing a program is waited for, until its marks can be read.
constexpr base::Duration kLongestUnsure = std::chrono::seconds(1);
// How many are named in status and log; more would not help.
constexpr std::size_t kMostNamed = 64;

}  // namespace

TreeEnd::TreeEnd(loop::Loop& loop, ProcessLooker& looker, const Child& child, Leftovers leftovers,
                 base::Duration unkillable, TreeEndObserver& observer)
    : looker_(looker),
      child_(child),
      leftovers_(leftovers),
      unkillable_(unkillable),
      observer_(observer),
      pause_(kFirstPause),
      look_timer_(loop, [this] { ask(); }),
      hunt_timer_(loop, [this] { finish_hunt(); }),
      unkillable_timer_(loop, [this] { observer_.on_unkillable(); }) {}

void TreeEnd::watch(std::uint64_t started, std::optional<inspect::ProcessMarks> marks,
                    std::optional<Cgroup> cgroup) {
  tree_ = ProcessTree(child_.pid(), started, std::move(marks), std::move(cgroup));
}

void TreeEnd::ask() {
  if (!silent_) looker_.ask(*this);
}

// Also when one is under way: it must begin after what has happened by now.
void TreeEnd::look_now() {
  look_timer_.stop();
  looker_.forget(*this);
  ask();
}

void TreeEnd::look_later(base::Duration longest) {
  if (silent_) return;
  look_timer_.start(pause_);
  pause_ = std::min(pause_ * 2, longest);
}

void TreeEnd::learn() {
  ask();
}

void TreeEnd::count() {
  counting_ = true;
  look_now();
}

void TreeEnd::begin(int asked) {
  if (leftovers_ == Leftovers::leave) {
    mode_ = Mode::leaving;
  } else if (mode_ != Mode::killing) {
    mode_ = asked != 0 ? Mode::polite : Mode::killing;
    signal_ = asked;
  }
  pause_ = kFirstPause;
  look_now();
}

void TreeEnd::signal(int number) {
  if (mode_ != Mode::polite) return;
  signal_ = number;
  told_.clear();
  look_now();
}

void TreeEnd::kill() {
  if (silent_ || mode_ == Mode::leaving) return;
  mode_ = Mode::killing;
  // What is in it has no time to resist; the hunt is for what is not.
  if (cgroup()) (void)cgroup()->kill();
  if (std::exchange(hunting_, true)) return;
  hunt_timer_.start(kHunt);
  look_now();
}

void TreeEnd::await_end() {
  if (!silent_ && !unkillable_timer_.running()) unkillable_timer_.start(unkillable_);
}

void TreeEnd::silence() {
  silent_ = true;
  looker_.forget(*this);
  look_timer_.stop();
  hunt_timer_.stop();
  unkillable_timer_.stop();
}

// Does what follows from the look depend on an orphan whose marks cannot be read yet?
bool TreeEnd::wait_for_marks() {
  if (!tree_.unsure()) {
    unsure_since_.reset();
    return false;
  }
  if (hunting_ || (!counting_ && !child_.reaped())) return false;
  const base::TimePoint now = std::chrono::steady_clock::now();
  if (!unsure_since_) unsure_since_ = now;
  return now - *unsure_since_ < kLongestUnsure;
}

void TreeEnd::on_look(const ProcessLook& look) {
  inspect::ProcessTable::Members members = tree_.members(look, child_.reaped());
  if (wait_for_marks()) {
    quiet_looks_ = 0;
    look_timer_.start(kFirstPause);
    return;
  }
  if (std::exchange(counting_, false)) {
    observer_.on_counted(static_cast<std::size_t>(
        std::ranges::count_if(members, [this](const auto* member) { return member->pid != child_.pid(); })));
    if (silent_ || !hunting_) return;
  }
  if (hunting_) {
    hunt(members);
  } else if (child_.reaped()) {
    follow(look, members);
  }
}

void TreeEnd::hunt(const inspect::ProcessTable::Members& members) {
  if (hunt_.feed(members)) {
    ask();
  } else {
    finish_hunt();
  }
}

void TreeEnd::finish_hunt() {
  hunting_ = false;
  hunt_timer_.stop();
  hunt_.kill();
  child_.signal_group(SIGKILL);
  child_.signal(SIGKILL);
  await_end();
  pause_ = kFirstPause;
  if (child_.reaped()) look_now();
}

bool TreeEnd::in_cgroup() const {
  return cgroup() && cgroup()->populated();
}

void TreeEnd::follow(const ProcessLook& look, const inspect::ProcessTable::Members& members) {
  const bool no_group = child_.group_is_gone() || tree_.group_is_abandoned(look);
  // A look may be older than a process that has just come into the cgroup.
  const bool nobody = no_group && members.empty() && look.table().complete() && !in_cgroup();
  quiet_looks_ = nobody ? quiet_looks_ + 1 : 0;
  if (quiet_looks_ >= kQuietLooks) {
    silence();
    observer_.on_tree_gone();
    return;
  }
  if (nobody) {
    ask();
    return;
  }
  switch (mode_) {
    case Mode::watching: return;
    case Mode::polite:
      tell(look, members);
      look_later(kLongestPause);
      return;
    case Mode::killing:
      await_end();
      if (in_cgroup()) (void)cgroup()->kill();
      if (hunt_.feed(members)) {
        ask();
      } else {
        look_later(kLongestPause);
      }
      return;
    case Mode::leaving:
      // First, since the observer may destroy us.
      look_later(kLongestLeft);
      name(members);
      return;
  }
}

// A process below another daemon is that daemon's to end: the daemon itself is asked.
void TreeEnd::tell(const ProcessLook& look, const inspect::ProcessTable::Members& members) {
  if (!members.empty()) unkillable_timer_.stop();
  for (const auto* member : members) {
    if (look.table().below_keeper(*member, look.parent())) continue;
    auto [told, is_new] = told_.emplace(member->pid, member->started);
    if (!is_new && told->second == member->started) continue;
    told->second = member->started;
    if (send_to(*member, signal_)) (void)send_to(*member, SIGCONT);
  }
}

void TreeEnd::name(const inspect::ProcessTable::Members& members) {
  std::vector<base::NamedProcess> left;
  for (const auto* member : members) {
    if (left.size() < kMostNamed) left.push_back({base::Pid(member->pid), member->name});
  }
  auto same = [](const base::NamedProcess& a, const base::NamedProcess& b) { return a.pid == b.pid; };
  if (left.empty() || std::ranges::equal(left, left_, same)) return;
  left_ = std::move(left);
  observer_.on_left(left_);
}

}  // namespace gracevisor::process
