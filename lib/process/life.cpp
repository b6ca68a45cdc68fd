#include "process/life.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/process_entry.h"

namespace gracevisor::process {
namespace {

constexpr base::Duration kPoll = std::chrono::milliseconds(10);

// SIGCONT after these would undo them or be too late.
bool wants_continue(int number) {
  constexpr std::array kWithout = {0, SIGKILL, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  return std::find(kWithout.begin(), kWithout.end(), number) == kWithout.end();
}

bool exited_with_0(const spawn::ExitStatus& status) {
  const auto* exited = std::get_if<spawn::Exited>(&status);
  return exited != nullptr && exited->code == 0;
}

int as_shell_counts(const spawn::ExitStatus& status) {
  if (const auto* signaled = std::get_if<spawn::Signaled>(&status)) return 128 + signaled->signal;
  const auto* exited = std::get_if<spawn::Exited>(&status);
  return exited != nullptr ? exited->code : 0;
}

}  // namespace

// The process exists: nothing may be lost from here on.
Life::Life(const ProcessSurroundings& around, Launched launched, const ProcessOwner& owner,
           const EndRules& rules, const ProcessTimes& times)
    : loop_(around.loop),
      looker_(around.looker),
      observer_(&owner.observer),
      output_(&owner.output),
      times_(times),
      rules_(rules),
      child_(launched.process.pid,
             launched.process.pidfd ? std::move(*launched.process.pidfd) : base::UniqueFd(), around.parent),
      tree_(around.loop, around.looker, child_, rules.leftovers, times.unkillable, *this),
      out_(std::move(launched.out)),
      err_(std::move(launched.err)),
      report_(std::move(launched.report)),
      timer_(around.loop, [this] { on_timer(); }) {
  looker_.add_leader(child_.pid());
  tree_.watch(std::move(launched.marks));
  if (auto entry = base::read_process_entry(child_.pid())) started_ = entry->started;
  deliver(*out_, OutputStream::out);
  deliver(*err_, OutputStream::err);
  await_running();
  watch_exit(launched.process.pidfd);
}

void Life::await_running() {
  if (!report_) {
    state_ = State::running;
    return;
  }
  report_->listen([this] { read_report(); });
  timer_.start(times_.spawn);
}

void Life::deliver(OutputPipe& pipe, OutputStream stream) {
  pipe.deliver([this, stream](std::string_view bytes) { output_->take(stream, bytes); },
               [this, stream] { return output_->has_room(stream); });
}

// Without a pidfd, or if the watch is refused, the process is killed and a timer checks for its exit: its
// number cannot be recycled before it is reaped.
void Life::watch_exit(const base::Expected<base::UniqueFd>& pidfd) {
  if (!pidfd) {
    doom({spawn::SpawnStage::pidfd, pidfd.error().code});
    return;
  }
  auto watch = loop::FdWatch::create(loop_, child_.pidfd(), loop::FdWatch::Interest::readable,
                                     [this] { on_exit_hint(); });
  if (!watch) {
    doom({spawn::SpawnStage::pidfd, watch.error().code});
    return;
  }
  exit_watch_ = std::move(*watch);
}

void Life::read_report() {
  if (state_ != State::starting || !report_->read_to_end()) return;
  report_->stop();
  timer_.stop();
  if (auto failure = report_->failure()) {
    doom(*failure);
  } else {
    state_ = State::running;
    observer_->on(spawn::Running{});
  }
}

// It will not run. In most cases the helper ends by itself, and in some it is already dead, where the signal
// does not change its status; the signal takes care of the rest.
void Life::doom(const spawn::SpawnFailed& failure) {
  state_ = State::doomed;
  failure_ = failure;
  if (report_) report_->stop();
  child_.signal(SIGKILL);
  tree_.await_end();
  if (!exit_watch_) timer_.start(kPoll);
}

void Life::on_timer() {
  switch (state_) {
    case State::starting: on_spawn_timeout(); return;
    case State::doomed: on_exit_hint(); return;
    case State::running:
    case State::counting:
    case State::exited:
    case State::gone: return;
  }
}

void Life::on_spawn_timeout() {
  read_report();
  if (state_ == State::starting) doom({spawn::SpawnStage::timeout, 0});
}

// By pidfd or, without one, by timer.
void Life::on_exit_hint() {
  const std::optional<spawn::ExitStatus> status = child_.ended();
  if (!status) {
    if (!exit_watch_) timer_.start(kPoll);
    return;
  }
  // The helper's last words, or the news that the program ran, may be read only now; a zombie's descriptors
  // are all closed, so what is missing will not come.
  read_report();
  if (state_ == State::starting)
    doom(report_->failure().value_or(spawn::SpawnFailed{spawn::SpawnStage::crashed, 0}));
  // The pidfd stays readable after the reap.
  exit_watch_.reset();
  timer_.stop();
  if (signalled_ == 0 && !failure_ && exited_with_0(*status)) {
    state_ = State::counting;
    tree_.count();
    return;
  }
  end(0);
}

void Life::end(std::size_t others) {
  // While the zombie exists, its number, which is also the group's, belongs to it.
  if (rules_.leftovers == Leftovers::kill) {
    child_.signal_group(SIGKILL);
    tree_.await_end();
  }
  spawn::ExitStatus status = verdict(child_.reap(), others);
  looker_.remove_leader(child_.pid());
  state_ = State::exited;
  out_->drain();
  err_->drain();
  // Its endpoint goes first: looking for the rest of the tree takes a while.
  observer_->on(spawn::Ended{status});
  if (observer_ != &nobody_) tree_.begin(signalled_);
}

spawn::ExitStatus Life::verdict(const spawn::ExitStatus& raw, std::size_t others) const {
  if (!failure_) {
    const auto* exited = std::get_if<spawn::Exited>(&raw);
    return exited != nullptr ? spawn::Exited{exited->code, others} : raw;
  }
  if (failure_->stage != spawn::SpawnStage::crashed) return *failure_;
  if (signalled_ != 0 && std::holds_alternative<spawn::Signaled>(raw)) return raw;
  return spawn::SpawnFailed{spawn::SpawnStage::crashed, as_shell_counts(raw)};
}

void Life::on_tree_gone() {
  state_ = State::gone;
  out_->drain();
  err_->drain();
  out_->close();
  err_->close();
  observer_->on(spawn::Gone{});
}

void Life::signal(int number, Whom whom) {
  if (state_ == State::gone) return;
  signalled_ = number;
  if (state_ == State::exited) {
    tree_.signal(number);
    return;
  }
  // It may end on this, and its descendants would lose the link that tells where they came from.
  tree_.learn();
  send(number, whom);
  if (wants_continue(number)) send(SIGCONT, whom);
}

void Life::pass_signal(int number, Whom whom) {
  if (state_ == State::gone || state_ == State::exited) return;
  tree_.learn();
  send(number, whom);
}

void Life::send(int number, Whom whom) {
  switch (whom) {
    case Whom::group: child_.signal_group(number); return;
    case Whom::main: child_.signal(number); return;
  }
}

void Life::kill_tree() {
  if (state_ == State::gone) return;
  signalled_ = SIGKILL;
  if (rules_.leftovers == Leftovers::kill) {
    tree_.kill();
    return;
  }
  if (rules_.whom == Whom::group) child_.signal_group(SIGKILL);
  child_.signal(SIGKILL);
  if (!child_.reaped()) tree_.await_end();
}

void Life::set_end_rules(const EndRules& rules) noexcept {
  rules_ = rules;
  tree_.set_leftovers(rules.leftovers);
}

void Life::resume_output() {
  out_->resume();
  err_->resume();
}

void Life::fall_silent() {
  observer_ = &nobody_;
  output_ = &nobody_;
  // Afterwards the number may be another child's.
  if (!child_.reaped()) looker_.remove_leader(child_.pid());
  tree_.silence();
  if (report_) report_->stop();
  exit_watch_.reset();
  timer_.stop();
  out_->close();
  err_->close();
}

}  // namespace gracevisor::process
