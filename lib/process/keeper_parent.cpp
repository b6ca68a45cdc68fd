#include "process/keeper_parent.h"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/boot_clock.h"
#include "base/process_entry.h"
#include "process/pidfd.h"

namespace gracevisor::process {
namespace {

using spawn::SpawnFailed;
using spawn::SpawnStage;

// How often children of a keeper that is gone are looked at.
constexpr base::Duration kLook = std::chrono::milliseconds(50);

SpawnFailed as_failure(const keeper::Refused& refusal) {
  // Its children and its descriptors are counted; a row of that name is another process.
  if (refusal.code == keeper::Code::no_room) return {SpawnStage::keeper, ENFILE};
  if (refusal.code == keeper::Code::busy) return {SpawnStage::keeper, EEXIST};
  return {SpawnStage::keeper, refusal.code == keeper::Code::failed ? refusal.error : EPROTO};
}

std::optional<keeper::Tag> tag_of(const ChildName& name) {
  auto tag = keeper::make_tag(name.app, name.endpoint);
  if (!tag) return std::nullopt;
  tag->generation = name.generation;
  tag->incarnation = name.incarnation;
  tag->slot = name.slot;
  tag->started = static_cast<std::uint64_t>(base::boot_time().time_since_epoch().count());
  return tag;
}

// Also as a zombie, which may stay one.
bool is_over(pid_t child) {
  const auto entry = base::read_process_entry(child);
  return entry ? !entry->lives() : entry.error() == ENOENT || entry.error() == ESRCH;
}

}  // namespace

KeeperParent::KeeperParent(loop::Loop& loop, keeper::Link& link, const spawn::Launcher& launcher,
                           pid_t keeper)
    : link_(link),
      launcher_(launcher),
      keeper_(keeper),
      next_turn_(loop, [this] { tell_ended(); }),
      orphans_timer_(loop, [this] { look_at_orphans(); }) {}

void KeeperParent::spawn(ChildOrder order, ChildWatcher& watcher) {
  auto awaited = std::make_shared<Awaited>(&watcher);
  ordered_.insert_or_assign(&watcher, awaited);
  keeper::Spawning what;
  // A name that does not fit is refused like any other order that cannot be.
  if (auto tag = tag_of(order.name)) what.tag = *tag;
  what.helper = launcher_.fd();
  what.in = std::move(order.fds.in);
  what.out = std::move(order.fds.out);
  what.err = std::move(order.fds.err);
  what.plan = std::move(order.fds.plan);
  what.report = std::move(order.fds.report);
  what.listener = std::move(order.fds.listener);
  what.kept_out = std::move(order.kept_out);
  what.kept_err = std::move(order.kept_err);
  what.kept_report = std::move(order.kept_report);
  link_.spawn(std::move(what), [this, awaited](std::expected<keeper::Started, keeper::Refused> answer) {
    on_answer(*awaited, std::move(answer));
  });
}

void KeeperParent::on_answer(Awaited& awaited, std::expected<keeper::Started, keeper::Refused> answer) {
  ChildWatcher* const watcher = awaited.watcher;
  ordered_.erase(watcher);
  if (!answer) {
    if (watcher != nullptr) watcher->on_started(std::unexpected(as_failure(answer.error())));
    return;
  }
  children_.insert_or_assign(answer->pid, watcher);
  if (watcher == nullptr) {
    // Nobody waits for it any more: its number is given up when it has ended.
    (void)::kill(-answer->pid, SIGKILL);
    return;
  }
  if (!answer->pidfd) {
    if (auto pidfd = open_pidfd(answer->pid)) answer->pidfd = std::move(*pidfd);
  }
  watcher->on_started(Spawned{answer->pid, std::move(answer->pidfd)});
}

void KeeperParent::watch(pid_t child, const std::optional<spawn::ExitStatus>& ended, ChildWatcher& watcher) {
  children_.insert_or_assign(child, &watcher);
  if (!ended) return;
  ended_.insert_or_assign(child, ChildEnd{*ended});
  next_turn_.ask();
}

void KeeperParent::forget(ChildWatcher& watcher) {
  if (const auto ordered = ordered_.find(&watcher); ordered != ordered_.end()) {
    ordered->second->watcher = nullptr;
    ordered_.erase(ordered);
  }
  std::erase_if(children_, [&](const auto& child) { return child.second == &watcher; });
}

void KeeperParent::reap(pid_t child) {
  link_.reap(child, {});
}

void KeeperParent::resume() {
  paused_ = false;
  next_turn_.ask();
}

void KeeperParent::on_exited(const keeper::ChildExited& child) {
  const ChildEnd its{keeper::as_status(child.ending), child.alone};
  if (paused_) {
    ended_.insert_or_assign(child.pid, its);
  } else {
    end(child.pid, its);
  }
}

void KeeperParent::end(pid_t child, const ChildEnd& end) {
  const auto found = children_.find(child);
  if (found == children_.end()) return;
  ChildWatcher* const watcher = found->second;
  children_.erase(found);
  if (watcher != nullptr) {
    watcher->on_ended(end);
  } else {
    reap(child);
  }
}

void KeeperParent::tell_ended() {
  if (paused_) return;
  for (const auto& [child, its] : std::exchange(ended_, {})) end(child, its);
}

// Their next parent reaps them when they end, and from then on a number can mean another process; until now
// it could not.
void KeeperParent::on_keeper_gone() {
  for (const auto& [child, watcher] : children_) {
    auto pidfd = open_pidfd(child);
    orphans_.insert_or_assign(child, pidfd ? std::move(*pidfd) : base::UniqueFd());
  }
  orphans_timer_.start(kLook);
}

void KeeperParent::look_at_orphans() {
  orphans_timer_.start(kLook);
  const auto has_ended = [](const auto& orphan) {
    if (!orphan.second) return is_over(orphan.first);
    pollfd look{orphan.second.get(), POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
  };
  std::vector<pid_t> ended;
  for (const auto& orphan : orphans_) {
    if (has_ended(orphan)) ended.push_back(orphan.first);
  }
  for (const pid_t child : ended) {
    orphans_.erase(child);
    end(child, ChildEnd{spawn::Unknown{}});
  }
}

}  // namespace gracevisor::process
