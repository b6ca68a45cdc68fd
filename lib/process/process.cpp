#include "process/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "loop/fd_watch.h"
#include "loop/timer.h"
#include "process/child.h"
#include "process/output_pipe.h"
#include "process/pidfd.h"
#include "process/tree_end.h"
#include "spawn/plan_codec.h"
#include "spawn/report.h"

namespace gracevisor::process {
namespace {

using std::chrono::milliseconds;

constexpr base::Duration kPoll = milliseconds(10);

// An instance number alone would also match other apps' instances.
std::optional<inspect::ProcessMarks> marks_of(const spawn::SpawnPlan& plan) {
  std::string environment;
  for (const auto& entry : plan.environment) environment += entry + '\0';
  auto marks = inspect::marks_in(environment);
  return marks && !marks->instance.empty() ? marks : std::nullopt;
}

base::Expected<base::UniqueFd> open_null() {
  base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return base::fail_errno("cannot open /dev/null", errno);
  return base::duplicate(null.get(), spawn::kLowestSource);
}

// SIGCONT after these would undo them or be too late.
bool wants_continue(int number) {
  constexpr std::array kWithout = {0, SIGKILL, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  return std::find(kWithout.begin(), kWithout.end(), number) == kWithout.end();
}

int as_shell_counts(const spawn::ExitStatus& status) {
  if (const auto* signaled = std::get_if<spawn::Signaled>(&status)) return 128 + signaled->signal;
  const auto* exited = std::get_if<spawn::Exited>(&status);
  return exited != nullptr ? exited->code : 0;
}

// The observer of a destroyed Process until its Impl is freed.
class Nobody final : public ProcessObserver {
 public:
  void on_output(OutputStream /*stream*/, std::string_view /*bytes*/) override {}
  void on(const spawn::ProcessEvent& /*event*/) override {}
};

}  // namespace

// Once started it is freed only between loop turns (Loop::retire), so every function here may go on after a
// callback in which the owner destroyed the Process.
class Process::Impl final : public loop::Retirable, private TreeEndObserver {
 public:
  Impl(const ProcessSurroundings& around, ProcessObserver& observer, const EndRules& rules,
       const ProcessTimes& times)
      : loop_(around.loop),
        looker_(around.looker),
        observer_(&observer),
        times_(times),
        rules_(rules),
        tree_(around.loop, around.looker, child_, rules.leftovers, times.unkillable, *this),
        timer_(around.loop, [this] { on_timer(); }) {}

  [[nodiscard]] std::optional<spawn::SpawnFailed> start(const spawn::SpawnPlan& plan,
                                                        const spawn::Launcher& launcher);
  void fall_silent();
  [[nodiscard]] base::Pid pid() const noexcept { return base::Pid(child_.pid()); }
  [[nodiscard]] std::uint64_t started() const noexcept { return started_; }
  void signal(int number, Whom whom);
  void kill_tree();
  void resume_output();

 private:
  enum class State { starting, doomed, running, counting, exited, gone };

  [[nodiscard]] base::Expected<void> open_outputs(spawn::HelperFds& fds);
  [[nodiscard]] base::Expected<void> open_report(spawn::HelperFds& fds);
  void watch_child(const spawn::SpawnPlan& plan);
  void read_report();
  void doom(spawn::SpawnFailed failure);
  void on_timer();
  void on_spawn_timeout();
  void on_exit_hint();
  void end(std::size_t others);
  [[nodiscard]] spawn::ExitStatus verdict(const spawn::ExitStatus& raw, std::size_t others) const;
  void on_counted(std::size_t others) override { end(others); }
  void on_left(const std::vector<base::NamedProcess>& left) override { observer_->on(spawn::Left{left}); }
  void on_tree_gone() override;
  void on_unkillable() override { observer_->on(spawn::Unkillable{}); }

  loop::Loop& loop_;
  ProcessLooker& looker_;
  Nobody nobody_;
  ProcessObserver* observer_;
  ProcessTimes times_;
  EndRules rules_;
  State state_ = State::starting;
  std::optional<spawn::SpawnFailed> failure_;
  int signalled_ = 0;  // last by us, to distinguish a requested end from another
  std::uint64_t started_ = 0;

  std::optional<spawn::SpawnReport> report_;
  Child child_;
  TreeEnd tree_;
  std::unique_ptr<OutputPipe> out_;
  std::unique_ptr<OutputPipe> err_;
  // Declared after what they watch, hence destroyed before it.
  std::unique_ptr<loop::FdWatch> report_watch_;
  std::unique_ptr<loop::FdWatch> exit_watch_;
  // starting: the spawn timeout; doomed without a pidfd: the next look for the exit.
  loop::Timer timer_;
};

std::optional<spawn::SpawnFailed> Process::Impl::start(const spawn::SpawnPlan& plan,
                                                       const spawn::Launcher& launcher) {
  spawn::HelperFds fds;
  auto sealed = spawn::seal_plan(plan);
  if (!sealed) return spawn::SpawnFailed{spawn::SpawnStage::memfd, sealed.error().code};
  auto plan_fd = base::duplicate(sealed->get(), spawn::kLowestSource);
  if (!plan_fd) return spawn::SpawnFailed{spawn::SpawnStage::memfd, plan_fd.error().code};
  fds.plan = std::move(*plan_fd);
  auto null = open_null();
  if (!null) return spawn::SpawnFailed{spawn::SpawnStage::pipe, null.error().code};
  fds.in = std::move(*null);
  if (plan.listener >= 0) {
    auto listener = base::duplicate(plan.listener, spawn::kLowestSource);
    if (!listener) return spawn::SpawnFailed{spawn::SpawnStage::pipe, listener.error().code};
    fds.listener = std::move(*listener);
  }
  if (auto opened = open_outputs(fds); !opened)
    return spawn::SpawnFailed{spawn::SpawnStage::pipe, opened.error().code};
  if (auto opened = open_report(fds); !opened)
    return spawn::SpawnFailed{spawn::SpawnStage::pipe, opened.error().code};
  // Our own, to know that the kernel has pidfds and that one more descriptor is available.
  auto reserve = open_pidfd(::getpid());
  if (!reserve) return spawn::SpawnFailed{spawn::SpawnStage::pidfd, reserve.error().code};

  auto spawned = launcher.start(fds);
  if (!spawned) return spawned.error();
  child_ = Child(*spawned);
  reserve->reset();
  watch_child(plan);
  return std::nullopt;
}

base::Expected<void> Process::Impl::open_outputs(spawn::HelperFds& fds) {
  auto make = [this](OutputStream stream) {
    return OutputPipe::create(
        loop_, [this, stream](std::string_view bytes) { observer_->on_output(stream, bytes); },
        [this, stream] { return observer_->takes_output(stream); });
  };
  auto out = make(OutputStream::out);
  if (!out) return std::unexpected(out.error());
  auto err = make(OutputStream::err);
  if (!err) return std::unexpected(err.error());
  out_ = std::move(*out);
  err_ = std::move(*err);
  fds.out = out_->take_process_end();
  fds.err = err_->take_process_end();
  return {};
}

base::Expected<void> Process::Impl::open_report(spawn::HelperFds& fds) {
  auto ends = base::make_pipe();
  if (!ends) return std::unexpected(ends.error());
  auto write_end = base::duplicate(ends->write_end.get(), spawn::kLowestSource);
  if (!write_end) return std::unexpected(write_end.error());
  fds.report = std::move(*write_end);
  if (auto set = base::set_nonblocking(ends->read_end.get()); !set) return set;
  report_.emplace(std::move(ends->read_end));
  auto watch = loop::FdWatch::create(loop_, report_->fd(), loop::FdWatch::Interest::readable,
                                     [this] { read_report(); });
  if (!watch) return std::unexpected(watch.error());
  report_watch_ = std::move(*watch);
  return {};
}

// The child exists: nothing may be lost from here on. If another thread takes the reserved descriptor at this
// instant, or the watch is refused, the child is killed and a timer checks for its exit: its number cannot be
// recycled before we reap it.
void Process::Impl::watch_child(const spawn::SpawnPlan& plan) {
  looker_.add_leader(child_.pid());
  tree_.watch(marks_of(plan));
  if (auto entry = base::read_process_entry(child_.pid())) started_ = entry->started;
  auto pidfd = child_.open();
  if (!pidfd) {
    doom({spawn::SpawnStage::pidfd, pidfd.error().code});
    return;
  }
  auto watch =
      loop::FdWatch::create(loop_, *pidfd, loop::FdWatch::Interest::readable, [this] { on_exit_hint(); });
  if (!watch) {
    doom({spawn::SpawnStage::pidfd, watch.error().code});
    return;
  }
  exit_watch_ = std::move(*watch);
  timer_.start(times_.spawn);
}

void Process::Impl::read_report() {
  if (state_ != State::starting || !report_->read_to_end()) return;
  report_watch_.reset();
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
void Process::Impl::doom(spawn::SpawnFailed failure) {
  state_ = State::doomed;
  failure_ = failure;
  report_watch_.reset();
  child_.signal(SIGKILL);
  tree_.await_end();
  if (!exit_watch_) timer_.start(kPoll);
}

void Process::Impl::on_timer() {
  switch (state_) {
    case State::starting: on_spawn_timeout(); return;
    case State::doomed: on_exit_hint(); return;
    case State::running:
    case State::counting:
    case State::exited:
    case State::gone: return;
  }
}

void Process::Impl::on_spawn_timeout() {
  read_report();
  if (state_ == State::starting) doom({spawn::SpawnStage::timeout, 0});
}

// By pidfd or, without one, by timer.
void Process::Impl::on_exit_hint() {
  if (!child_.is_zombie()) {
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
  if (signalled_ == 0 && !failure_ && child_.exited_with_0()) {
    state_ = State::counting;
    tree_.count();
    return;
  }
  end(0);
}

void Process::Impl::end(std::size_t others) {
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

spawn::ExitStatus Process::Impl::verdict(const spawn::ExitStatus& raw, std::size_t others) const {
  if (!failure_) {
    const auto* exited = std::get_if<spawn::Exited>(&raw);
    return exited != nullptr ? spawn::Exited{exited->code, others} : raw;
  }
  if (failure_->stage != spawn::SpawnStage::crashed) return *failure_;
  if (signalled_ != 0 && std::holds_alternative<spawn::Signaled>(raw)) return raw;
  return spawn::SpawnFailed{spawn::SpawnStage::crashed, as_shell_counts(raw)};
}

void Process::Impl::on_tree_gone() {
  state_ = State::gone;
  out_->drain();
  err_->drain();
  out_->close();
  err_->close();
  observer_->on(spawn::Gone{});
}

void Process::Impl::signal(int number, Whom whom) {
  if (state_ == State::gone) return;
  signalled_ = number;
  if (state_ == State::exited) {
    tree_.signal(number);
    return;
  }
  auto send = [this, whom](int which) {
    switch (whom) {
      case Whom::group: child_.signal_group(which); return;
      case Whom::main: child_.signal(which); return;
    }
  };
  // It may end on this, and its descendants would lose the link that tells where they came from.
  tree_.learn();
  send(number);
  if (wants_continue(number)) send(SIGCONT);
}

void Process::Impl::kill_tree() {
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

void Process::Impl::resume_output() {
  out_->resume();
  err_->resume();
}

// The Process is destroyed. Nothing of ours may keep the loop alive, and the child is left alone.
void Process::Impl::fall_silent() {
  observer_ = &nobody_;
  looker_.remove_leader(child_.pid());
  tree_.silence();
  report_watch_.reset();
  exit_watch_.reset();
  timer_.stop();
  out_->close();
  err_->close();
}

std::expected<std::unique_ptr<Process>, spawn::SpawnFailed> Process::start(const ProcessSurroundings& around,
                                                                           const spawn::SpawnPlan& plan,
                                                                           ProcessObserver& observer,
                                                                           const EndRules& rules,
                                                                           const ProcessTimes& times) {
  auto impl = std::make_unique<Impl>(around, observer, rules, times);
  if (auto failure = impl->start(plan, around.launcher)) return std::unexpected(*failure);
  return std::unique_ptr<Process>(new Process(around.loop, std::move(impl)));
}

Process::Process(loop::Loop& loop, std::unique_ptr<Impl> impl) : loop_(loop), impl_(std::move(impl)) {}

Process::~Process() {
  impl_->fall_silent();
  loop_.retire(std::move(impl_));
}

base::Pid Process::pid() const noexcept {
  return impl_->pid();
}
std::uint64_t Process::started() const noexcept {
  return impl_->started();
}
void Process::signal(int number, Whom whom) {
  impl_->signal(number, whom);
}
void Process::kill_tree() {
  impl_->kill_tree();
}
void Process::resume_output() {
  impl_->resume_output();
}

}  // namespace gracevisor::process
