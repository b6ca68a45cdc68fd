#include "process/life.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/process_entry.h"

namespace gracevisor::process {
namespace {

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

Life::Life(const ProcessSurroundings& around, Beginning beginning, const ProcessOwner& owner,
           const EndRules& rules, const ProcessTimes& times)
    : looker_(around.looker),
      parent_(around.parent),
      observer_(&owner.observer),
      output_(&owner.output),
      times_(times),
      rules_(rules),
      tree_(around.loop, around.looker, child_, rules.leftovers, times.unkillable, *this),
      marks_(std::move(beginning.marks)),
      cgroup_(std::move(beginning.cgroup)),
      out_(std::move(beginning.out)),
      err_(std::move(beginning.err)),
      report_(std::move(beginning.report)),
      loop_(around.loop),
      timer_(around.loop, [this] { on_timer(); }) {
  deliver(out_.get(), OutputStream::out);
  deliver(err_.get(), OutputStream::err);
  timer_.start(times_.spawn);
  if (beginning.process) begin(std::move(*beginning.process));
}

void Life::order(ChildOrder what) {
  parent_.spawn(std::move(what), *this);
}

void Life::follow(const std::optional<spawn::ExitStatus>& ended) {
  parent_.watch(child_.pid(), ended, *this);
}

void Life::on_started(std::expected<Spawned, spawn::SpawnFailed> started) {
  if (!started) {
    never_began(started.error());
    return;
  }
  begin(std::move(*started));
  observer_->on_begun();
  if (observer_ == &nobody_) return;
  // What it was told before it was there.
  if (signalled_ == SIGKILL) {
    kill_tree();
  } else if (signalled_ != 0) {
    signal(signalled_, signalled_whom_);
  }
}

// The process exists: nothing may be lost from here on.
void Life::begin(Spawned process) {
  child_ = Child(process.pid, std::move(process.pidfd));
  looker_.add_leader(child_.pid());
  if (auto entry = base::read_process_entry(child_.pid())) started_ = entry->started;
  tree_.watch(started_, std::exchange(marks_, std::nullopt), std::exchange(cgroup_, std::nullopt));
  state_ = State::starting;
  await_running();
}

// No child exists.
void Life::never_began(const spawn::SpawnFailed& failure) {
  timer_.stop();
  state_ = State::gone;
  close_pipes();
  observer_->on(spawn::Ended{failure});
  observer_->on(spawn::Gone{});
}

void Life::await_running() {
  if (!report_) {
    state_ = State::running;
    timer_.stop();
    return;
  }
  if (auto heard = report_->listen(loop_, [this] { read_report(); }); !heard) {
    doom({spawn::SpawnStage::pipe, heard.error().code});
  }
}

void Life::deliver(OutputPipe* pipe, OutputStream stream) {
  if (pipe == nullptr) return;
  pipe->deliver([this, stream](std::string_view bytes) { output_->take(stream, bytes); },
                [this, stream] { return output_->has_room(stream); });
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
  timer_.stop();
  if (report_) report_->stop();
  child_.signal(SIGKILL);
  tree_.await_end();
}

void Life::on_timer() {
  if (state_ == State::ordered) {
    parent_.forget(*this);
    never_began({spawn::SpawnStage::keeper, ETIMEDOUT});
    return;
  }
  read_report();
  if (state_ == State::starting) doom({spawn::SpawnStage::timeout, 0});
}

void Life::on_ended(const ChildEnd& ended) {
  // The helper's last words, or the news that the program ran, may be read only now; a zombie's descriptors
  // are all closed, so what is missing will not come.
  read_report();
  if (observer_ == &nobody_) {
    // Its owner has left at this news.
    parent_.reap(child_.pid());
    return;
  }
  if (state_ == State::starting)
    doom(report_->failure().value_or(spawn::SpawnFailed{spawn::SpawnStage::crashed, 0}));
  timer_.stop();
  status_ = ended.status;
  const auto& cgroup = tree_.cgroup();
  alone_ = ended.alone && !(cgroup && cgroup->populated());
  auto* signaled = std::get_if<spawn::Signaled>(&status_);
  if (signaled != nullptr && signaled->signal == SIGKILL && cgroup) {
    const bool ours = signalled_ == SIGKILL || kill_passed_;
    signaled->out_of_memory = !ours && cgroup->out_of_memory();
  }
  if (signalled_ == 0 && !failure_ && !alone_ && exited_with_0(status_)) {
    state_ = State::counting;
    tree_.count();
    return;
  }
  end(0);
}

void Life::end(std::size_t others) {
  // While the zombie exists, its number, which is also the group's, belongs to it.
  const bool pinned = !std::holds_alternative<spawn::Unknown>(status_);
  if (rules_.leftovers == Leftovers::kill) {
    if (pinned) child_.signal_group(SIGKILL);
    tree_.await_end();
  }
  parent_.reap(child_.pid());
  child_.set_reaped();
  looker_.remove_leader(child_.pid());
  state_ = State::exited;
  drain();
  // Its endpoint goes first: looking for the rest of the tree takes a while.
  observer_->on(spawn::Ended{verdict(others)});
  if (observer_ == &nobody_) return;
  if (alone_) {
    tree_.silence();
    on_tree_gone();
  } else {
    tree_.begin(signalled_);
  }
}

spawn::ExitStatus Life::verdict(std::size_t others) const {
  if (!failure_) {
    const auto* exited = std::get_if<spawn::Exited>(&status_);
    return exited != nullptr ? spawn::Exited{exited->code, others} : status_;
  }
  if (failure_->stage != spawn::SpawnStage::crashed) return *failure_;
  if (std::holds_alternative<spawn::Unknown>(status_)) return status_;
  if (signalled_ != 0 && std::holds_alternative<spawn::Signaled>(status_)) return status_;
  return spawn::SpawnFailed{spawn::SpawnStage::crashed, as_shell_counts(status_)};
}

void Life::drain() {
  if (out_) out_->drain();
  if (err_) err_->drain();
}

void Life::close_pipes() {
  if (report_) report_->stop();
  if (out_) out_->close();
  if (err_) err_->close();
}

void Life::on_tree_gone() {
  state_ = State::gone;
  if (tree_.cgroup()) tree_.cgroup()->remove();
  drain();
  close_pipes();
  observer_->on(spawn::Gone{});
}

void Life::signal(int number, Whom whom) {
  if (state_ == State::gone) return;
  signalled_ = number;
  signalled_whom_ = whom;
  if (state_ == State::ordered) return;
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
  if (state_ == State::ordered || state_ == State::gone || state_ == State::exited) return;
  tree_.learn();
  kill_passed_ = kill_passed_ || number == SIGKILL;
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
  if (state_ == State::ordered) return;
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
  if (out_) out_->resume();
  if (err_) err_->resume();
}

void Life::fall_silent() {
  observer_ = &nobody_;
  output_ = &nobody_;
  // Afterwards the number may be another child's.
  if (!child_.reaped()) looker_.remove_leader(child_.pid());
  parent_.forget(*this);
  tree_.silence();
  timer_.stop();
  close_pipes();
}

}  // namespace gracevisor::process
