#include "supervise/process.h"

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
#include "spawn/plan_codec.h"
#include "spawn/report.h"
#include "supervise/child.h"
#include "supervise/output_pipe.h"
#include "supervise/pidfd.h"
#include "supervise/process_tree.h"

namespace gracevisor::supervise {
namespace {

using std::chrono::milliseconds;

constexpr base::Duration kFirstPoll = milliseconds(10);
constexpr base::Duration kLongestPoll = std::chrono::seconds(1);

std::vector<std::string> marks_of(const SpawnPlan& plan) {
  std::vector<std::string> marks;
  for (const auto& entry : plan.environment) {
    if (entry.starts_with("GV_APP=") || entry.starts_with("GV_INSTANCE=")) marks.push_back(entry);
  }
  // One alone would mean other instances too.
  if (marks.size() != 2) marks.clear();
  return marks;
}

base::Expected<base::UniqueFd> open_null() {
  base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null) return base::fail_errno("cannot open /dev/null", errno);
  return base::duplicate(null.get(), spawn::kLowestSource);
}

// SIGCONT after these would undo them or is too late.
bool wants_continue(int number) {
  constexpr std::array kWithout = {0, SIGKILL, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
  return std::find(kWithout.begin(), kWithout.end(), number) == kWithout.end();
}

int as_shell_counts(const ExitStatus& status) {
  if (const auto* signaled = std::get_if<Signaled>(&status)) return 128 + signaled->signal;
  const auto* exited = std::get_if<Exited>(&status);
  return exited != nullptr ? exited->code : 0;
}

// Whom a destroyed Process talks to until its Impl is freed.
class Nobody final : public ProcessObserver {
 public:
  void on_running() override {}
  void on_output(OutputStream /*stream*/, std::string_view /*bytes*/) override {}
  void on_exited(const ExitStatus& /*status*/) override {}
  void on_gone() override {}
  void on_unkillable() override {}
};

}  // namespace

// Once started it is freed only between loop turns (Loop::retire), so every function here may go on after a
// callback in which the owner destroyed the Process.
class Process::Impl final : public loop::Retirable {
 public:
  Impl(loop::Loop& loop, const SpawnPlan& plan, ProcessObserver& observer, const ProcessTimes& times)
      : loop_(loop),
        observer_(&observer),
        times_(times),
        marks_(marks_of(plan)),
        timer_(loop, [this] { on_timer(); }),
        unkillable_timer_(loop, [this] { observer_->on_unkillable(); }) {}

  [[nodiscard]] std::optional<SpawnFailed> start(const SpawnPlan& plan, const spawn::Launcher& launcher);
  void fall_silent();
  [[nodiscard]] base::Pid pid() const noexcept { return base::Pid(child_.pid()); }
  void signal(int number, config::Stop::Scope scope) noexcept;
  void kill_tree();
  void resume_output();

 private:
  enum class State { starting, doomed, running, exited, gone };

  [[nodiscard]] base::Expected<void> open_outputs(spawn::HelperFds& fds);
  [[nodiscard]] base::Expected<void> open_report(spawn::HelperFds& fds);
  void watch_child() noexcept;
  void read_report();
  void doom(SpawnFailed failure);
  void on_timer();
  void on_spawn_timeout();
  void on_exit_hint();
  [[nodiscard]] ExitStatus verdict(const ExitStatus& raw) const;
  void poll_group();
  void await_end();

  loop::Loop& loop_;
  Nobody nobody_;
  ProcessObserver* observer_;
  ProcessTimes times_;
  std::vector<std::string> marks_;
  State state_ = State::starting;
  std::optional<SpawnFailed> failure_;
  bool signalled_ = false;  // by us, so that the death of a starting helper can be told apart from a crash
  base::Duration poll_delay_ = kFirstPoll;

  std::optional<spawn::SpawnReport> report_;
  Child child_;
  std::unique_ptr<OutputPipe> out_;
  std::unique_ptr<OutputPipe> err_;
  // After what they watch, hence gone before it.
  std::unique_ptr<loop::FdWatch> report_watch_;
  std::unique_ptr<loop::FdWatch> exit_watch_;
  // starting: the spawn timeout; doomed without a pidfd: the next look for the exit; exited: the next look at
  // the group.
  loop::Timer timer_;
  loop::Timer unkillable_timer_;
};

std::optional<SpawnFailed> Process::Impl::start(const SpawnPlan& plan, const spawn::Launcher& launcher) {
  spawn::HelperFds fds;
  auto sealed = spawn::seal_plan(plan);
  if (!sealed) return SpawnFailed{SpawnStage::memfd, sealed.error().code};
  auto plan_fd = base::duplicate(sealed->get(), spawn::kLowestSource);
  if (!plan_fd) return SpawnFailed{SpawnStage::memfd, plan_fd.error().code};
  fds.plan = std::move(*plan_fd);
  auto null = open_null();
  if (!null) return SpawnFailed{SpawnStage::pipe, null.error().code};
  fds.in = std::move(*null);
  if (plan.listener >= 0) {
    auto listener = base::duplicate(plan.listener, spawn::kLowestSource);
    if (!listener) return SpawnFailed{SpawnStage::pipe, listener.error().code};
    fds.listener = std::move(*listener);
  }
  if (auto opened = open_outputs(fds); !opened) return SpawnFailed{SpawnStage::pipe, opened.error().code};
  if (auto opened = open_report(fds); !opened) return SpawnFailed{SpawnStage::pipe, opened.error().code};
  // Ours, to know that the kernel has pidfds and that one more descriptor is to be had.
  auto reserve = open_pidfd(::getpid());
  if (!reserve) return SpawnFailed{SpawnStage::pidfd, reserve.error().code};

  auto spawned = launcher.start(fds);
  if (!spawned) return spawned.error();
  child_ = Child(*spawned);
  reserve->reset();
  watch_child();
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

// The child exists: nothing may be lost from here on. Should the reserved descriptor be taken by another
// thread in this instant, or the watch be refused, the child is killed and its exit looked for by a timer:
// its number cannot be recycled before we reap it.
void Process::Impl::watch_child() noexcept {
  auto pidfd = child_.open();
  if (!pidfd) {
    doom({SpawnStage::pidfd, pidfd.error().code});
    return;
  }
  auto watch =
      loop::FdWatch::create(loop_, *pidfd, loop::FdWatch::Interest::readable, [this] { on_exit_hint(); });
  if (!watch) {
    doom({SpawnStage::pidfd, watch.error().code});
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
    observer_->on_running();
  }
}

// It will not run. The helper ends by itself in most cases, and is dead already in some, whose status the
// signal does not change; it makes sure of the others.
void Process::Impl::doom(SpawnFailed failure) {
  state_ = State::doomed;
  failure_ = failure;
  report_watch_.reset();
  child_.signal(SIGKILL);
  await_end();
  if (!exit_watch_) timer_.start(kFirstPoll);
}

void Process::Impl::on_timer() {
  switch (state_) {
    case State::starting: on_spawn_timeout(); return;
    case State::doomed: on_exit_hint(); return;
    case State::exited: poll_group(); return;
    case State::running:
    case State::gone: return;
  }
}

void Process::Impl::on_spawn_timeout() {
  read_report();
  if (state_ == State::starting) doom({SpawnStage::timeout, 0});
}

// By pidfd or, without one, by timer.
void Process::Impl::on_exit_hint() {
  if (!child_.is_zombie()) {
    if (!exit_watch_) timer_.start(kFirstPoll);
    return;
  }
  // The helper's last words, or the news that the program ran, may be read only now; with the zombie all its
  // descriptors are closed, so whatever is missing will not come.
  read_report();
  if (state_ == State::starting) doom(report_->failure().value_or(SpawnFailed{SpawnStage::crashed, 0}));
  // The pidfd stays readable after the reap.
  exit_watch_.reset();
  timer_.stop();
  // While the zombie is there its number, which is the group's too, belongs to it.
  child_.signal_group(SIGKILL);
  await_end();
  ExitStatus status = verdict(child_.reap());
  state_ = State::exited;
  out_->drain();
  err_->drain();
  observer_->on_exited(status);
  poll_group();
}

ExitStatus Process::Impl::verdict(const ExitStatus& raw) const {
  if (!failure_) return raw;
  if (failure_->stage != SpawnStage::crashed) return *failure_;
  if (signalled_ && std::holds_alternative<Signaled>(raw)) return raw;
  return SpawnFailed{SpawnStage::crashed, as_shell_counts(raw)};
}

void Process::Impl::poll_group() {
  if (child_.group_is_gone()) {
    state_ = State::gone;
    unkillable_timer_.stop();
    out_->drain();
    err_->drain();
    out_->close();
    err_->close();
    observer_->on_gone();
    return;
  }
  timer_.start(poll_delay_);
  poll_delay_ = std::min(poll_delay_ * 2, kLongestPoll);
}

void Process::Impl::signal(int number, config::Stop::Scope scope) noexcept {
  signalled_ = true;
  auto send = [this, scope](int which) {
    switch (scope) {
      case config::Stop::Scope::group: child_.signal_group(which); return;
      case config::Stop::Scope::main: child_.signal(which); return;
    }
  };
  send(number);
  if (wants_continue(number)) send(SIGCONT);
}

void Process::Impl::kill_tree() {
  if (state_ == State::gone) return;
  signalled_ = true;
  kill_process_tree({child_.pid(), !child_.reaped(), marks_});
  child_.signal_group(SIGKILL);
  child_.signal(SIGKILL);
  await_end();
  if (state_ != State::exited) return;
  // The group may be empty now; look again soon.
  poll_delay_ = kFirstPoll;
  timer_.start(poll_delay_);
}

void Process::Impl::resume_output() {
  out_->resume();
  err_->resume();
}

// The Process is destroyed. Nothing of ours may keep the loop waiting, and the child is left alone.
void Process::Impl::fall_silent() {
  observer_ = &nobody_;
  report_watch_.reset();
  exit_watch_.reset();
  timer_.stop();
  unkillable_timer_.stop();
  out_->close();
  err_->close();
}

// From a SIGKILL on.
void Process::Impl::await_end() {
  if (!unkillable_timer_.running()) unkillable_timer_.start(times_.unkillable);
}

std::expected<std::unique_ptr<Process>, SpawnFailed> Process::start(loop::Loop& loop,
                                                                    const spawn::Launcher& launcher,
                                                                    const SpawnPlan& plan,
                                                                    ProcessObserver& observer,
                                                                    const ProcessTimes& times) {
  auto impl = std::make_unique<Impl>(loop, plan, observer, times);
  if (auto failure = impl->start(plan, launcher)) return std::unexpected(*failure);
  return std::unique_ptr<Process>(new Process(loop, std::move(impl)));
}

Process::Process(loop::Loop& loop, std::unique_ptr<Impl> impl) : loop_(loop), impl_(std::move(impl)) {}

Process::~Process() {
  impl_->fall_silent();
  loop_.retire(std::move(impl_));
}

base::Pid Process::pid() const noexcept {
  return impl_->pid();
}
void Process::signal(int number, config::Stop::Scope scope) {
  impl_->signal(number, scope);
}
void Process::kill_tree() {
  impl_->kill_tree();
}
void Process::resume_output() {
  impl_->resume_output();
}

}  // namespace gracevisor::supervise
