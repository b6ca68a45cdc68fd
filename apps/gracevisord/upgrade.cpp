#include "upgrade.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "base/counted.h"
#include "base/one_line.h"
#include "exit_status.h"

namespace gracevisor::daemon {
namespace {

using base::counted;
using base::ExitCode;
using decide::Refused;

// For what passes by itself.
constexpr base::Millis kSoon = std::chrono::seconds(5);
constexpr base::Duration kPoll = base::Millis(50);
// For --version and --check.
constexpr base::Duration kCommand = std::chrono::seconds(30);
// Until the successor is the owner.
constexpr std::chrono::milliseconds kSuccessor = std::chrono::seconds(30);
// Until what is recorded is on the disk.
constexpr base::Duration kFreeze = std::chrono::seconds(10);
constexpr std::size_t kMostSaid = 20;   // lines
constexpr std::size_t kMostLine = 500;  // bytes
constexpr const char* kCommandName = "#upgrade";

ExitCode exit_of(const CommandRun::Result& result) {
  return result.hindered ? ExitCode::failed : ExitCode::usage;
}

// It cannot be executed at all, whatever it is.
bool is_no_program(int code) {
  return code == ENOEXEC || code == EACCES || code == ENOENT || code == ELIBBAD || code == EISDIR;
}

}  // namespace

Upgrade::Upgrade(Around around)
    : around_(std::move(around)),
      poll_timer_(around_.loop, [this] { poll(); }),
      freeze_timer_(around_.loop,
                    [this] {
                      give_up_starting();
                      fail(ExitCode::failed, "the disk does not take what is to be recorded");
                    }),
      next_turn_(around_.loop, [this] {
        if (auto next = std::exchange(next_, {})) next();
      }) {
  around_.keeper.on_superseded([this] { on_superseded(); });
}

std::optional<control::PredecessorStatus> Upgrade::predecessor() const {
  if (around_.takeover != nullptr) return around_.takeover->predecessor();
  const pid_t other = around_.keeper.predecessor();
  if (other == 0) return std::nullopt;
  // Of a daemon that has died: it says nothing to this one.
  control::PredecessorStatus status;
  status.pid = other;
  return status;
}

std::string Upgrade::progress(const decide::Report& report) const {
  return departing_ ? departing_->progress(report) : "";
}

pid_t Upgrade::took_over_from() const {
  return around_.takeover != nullptr ? around_.takeover->from() : 0;
}

std::optional<std::string> Upgrade::in_the_way() const {
  if (auto busy = around_.supervisor.in_the_way()) return busy;
  if (const pid_t other = around_.keeper.predecessor(); other != 0) {
    const auto former = predecessor();
    return fmt::format("the former daemon (pid {}) still serves {}: gvctl upgrade --now ends it", other,
                       former ? counted(former->connections, "connection", "connections") : "its clients");
  }
  return std::nullopt;
}

bool Upgrade::free_soon() const {
  if (around_.supervisor.settling()) return true;
  if (around_.supervisor.in_the_way()) return false;
  const auto former = predecessor();
  return former && former->connections == 0;
}

std::expected<void, Refused> Upgrade::upgrade(const UpgradeRequest& request,
                                              const std::shared_ptr<decide::Report>& report) {
  if (stage_ != Stage::idle) return decide::refused(ExitCode::busy, "another upgrade is under way");
  auto program = find_successor(request.to);
  if (!program) return std::unexpected(program.error());
  const auto obstacle = in_the_way();
  const bool waits = request.wait || (request.now && around_.keeper.predecessor() != 0) || free_soon();
  if (obstacle && !waits) return decide::refused(ExitCode::busy, *obstacle);
  request_ = request;
  report_ = report;
  program_ = std::move(*program);
  until_ = now() + (request.wait || request.now ? request.timeout : kSoon);
  told_obstacle_.clear();
  stage_ = Stage::waiting;
  if (request.now) around_.keeper.end_predecessor();
  around_.log.info("upgrade uid={} program={}", request.uid, program_.path.string());
  poll();
  return {};
}

void Upgrade::poll() {
  const auto obstacle = in_the_way();
  if (!obstacle) return ask_version();
  if (now() >= until_) return fail(ExitCode::busy, *obstacle);
  const bool asked_to_wait = request_.wait || request_.now;
  if (asked_to_wait && std::exchange(told_obstacle_, *obstacle) != *obstacle) tell("wait", *obstacle);
  poll_timer_.start(kPoll);
}

void Upgrade::run(std::vector<std::string> words, void (Upgrade::*then)(const CommandRun::Result&)) {
  words.insert(words.begin(), program_.path.string());
  CommandRun::Command command{.argv = std::move(words), .name = kCommandName, .patience = kCommand};
  run_ = std::make_unique<CommandRun>(around_.loop, around_.keeper.parent(), std::move(command),
                                      [this, then](const CommandRun::Result& result) {
                                        // Not freed inside its own call.
                                        next_ = [this, then, result] {
                                          run_.reset();
                                          (this->*then)(result);
                                        };
                                        next_turn_.ask();
                                      });
}

void Upgrade::ask_version() {
  stage_ = Stage::checking;
  run({"--version"}, &Upgrade::on_version);
}

// "gracevisord 1.4.0"
void Upgrade::on_version(const CommandRun::Result& result) {
  constexpr std::string_view kName = "gracevisord ";
  const std::string line = result.lines.empty() ? "" : result.lines.front();
  if (!result.done || !line.starts_with(kName)) {
    const std::string how = result.done ? "it says something else" : result.how;
    return fail(exit_of(result), fmt::format("{} is no gracevisord: {}", program_.path.string(), how),
                result.lines);
  }
  version_ = line.substr(kName.size());
  tell("upgrade", fmt::format("{} -> {}", GV_VERSION, version_));
  check();
}

void Upgrade::check() {
  run({"--check", "-c", around_.config_file.string()}, &Upgrade::on_checked);
}

void Upgrade::on_checked(const CommandRun::Result& result) {
  if (!result.done) {
    return fail(exit_of(result),
                fmt::format("{} --check: {}: nothing was changed", program_.path.string(), result.how),
                result.lines);
  }
  tell("check", fmt::format("{} --check: ok", program_.path.string()));
  if (!program_.in_place()) {
    return fail(ExitCode::failed,
                fmt::format("{} was replaced while it was checked: try again", program_.path.string()));
  }
  // Something may have begun meanwhile.
  if (const auto obstacle = in_the_way()) {
    if (!request_.wait) return fail(ExitCode::busy, *obstacle);
    stage_ = Stage::waiting;
    return poll();
  }
  start();
}

void Upgrade::start() {
  stage_ = Stage::starting;
  successor_ = 0;
  said_.clear();
  early_.clear();
  stop_ = ordered_ = false;
  around_.act(false);
  freeze_timer_.start(kFreeze);
  around_.supervisor.freeze([this, freeze = ++freezes_] {
    if (freeze == freezes_) order();
  });
}

void Upgrade::order() {
  if (stage_ != Stage::starting) return;  // it was given up
  freeze_timer_.stop();
  ordered_ = true;
  around_.keeper.pause_children();
  auto file = base::duplicate(program_.file.get());
  if (!file) {
    give_up_starting();
    return fail(ExitCode::failed, file.error().what);
  }
  around_.keeper.link().begin_successor(
      std::move(*file), kSuccessor, [this](std::expected<keeper::SuccessorStarted, keeper::Refused> answer) {
        if (stage_ != Stage::starting) return;  // the keeper has died
        if (answer) return on_started(std::move(*answer));
        give_up_starting();
        const int code = answer.error().error;
        fail(is_no_program(code) ? ExitCode::usage : ExitCode::failed,
             fmt::format("{} cannot be started: {}", program_.path.string(),
                         code != 0 ? base::errno_text(code) : "the keeper refuses"));
      });
}

void Upgrade::on_started(keeper::SuccessorStarted started) {
  successor_ = started.pid;
  decide::ReportLine line{.phase = "start", .text = fmt::format("pid {}", successor_)};
  line.fields.push_back({"pid", static_cast<std::int64_t>(successor_)});
  if (report_) report_->add(now(), std::move(line));
  if (const auto met = meet(std::move(started.channel)); !met) {
    // It would wait for the rest in vain; its end follows.
    said_.push_back(met.error().what);
    around_.keeper.end_successor();
  }
}

base::Expected<void> Upgrade::meet(base::UniqueFd channel) {
  if (!channel) return base::fail("the keeper had no descriptor for the channel to it");
  channel_.emplace(std::move(channel));
  auto watch = loop::FdWatch::create(around_.loop, channel_->fd(), loop::FdWatch::Interest::readable,
                                     [this] { read(); });
  if (!watch) return std::unexpected(watch.error());
  watch_ = std::move(*watch);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return base::fail_errno("cannot make a socket for the clients", errno);
  clients_ = std::make_shared<const succession::ClientChannel>(base::UniqueFd(ends[0]));
  return channel_->send(
      succession::Clients{base::UniqueFd(ends[1]), static_cast<std::uint64_t>(::getpid()), GV_VERSION});
}

void Upgrade::read() {
  while (auto message = channel_->next()) {
    if (const auto* said = std::get_if<succession::Said>(&*message)) {
      said_.push_back(base::one_line(said->line, kMostLine));
      if (said_.size() > kMostSaid) said_.pop_front();
    } else if (const auto* up = std::get_if<succession::Reattached>(&*message)) {
      tell("reattached", fmt::format("{}, {}, {}", counted(up->apps, "app", "apps"),
                                     counted(up->instances, "instance", "instances"),
                                     counted(up->listeners, "listener", "listeners")));
    } else {
      // The keeper, on another socket, has not said yet that it is the owner.
      early_.push_back(std::move(*message));
    }
  }
  if (channel_->ended()) watch_.reset();  // its end follows
}

// Everything acts again.
void Upgrade::give_up_starting() {
  freeze_timer_.stop();
  watch_.reset();
  channel_.reset();
  clients_.reset();
  around_.keeper.resume();
  around_.supervisor.thaw();
  around_.act(true);
}

void Upgrade::on_daemon_ended(const keeper::Daemon& daemon) {
  if (daemon.whom != keeper::Whom::successor || stage_ != Stage::starting) return;
  if (channel_) read();
  const std::string how = text(keeper::as_status(daemon.ending));
  const std::vector<std::string> lines(said_.begin(), said_.end());
  give_up_starting();
  std::string why = fmt::format("the successor (pid {}) ended before it served: {}", daemon.pid, how);
  if (daemon.timed_out != 0) {
    why = fmt::format("the successor (pid {}) did not serve within {} s, and was killed", daemon.pid,
                      kSuccessor.count() / 1000);
  }
  // As it says itself.
  const bool refused = daemon.ending.how == keeper::How::exited && daemon.ending.number == kUsage;
  fail(refused ? ExitCode::usage : ExitCode::failed, why, lines);
}

void Upgrade::on_keeper_gone() {
  if (departing_) return departing_->end();
  give_up(ExitCode::failed, "the keeper is gone");
}

// In whichever stage it is, before another daemon may be the owner.
void Upgrade::give_up(ExitCode exit, const std::string& why) {
  run_.reset();
  if (stage_ == Stage::starting) give_up_starting();
  if (stage_ != Stage::idle) fail(exit, why);
}

void Upgrade::on_superseded() {
  stage_ = Stage::departing;
  const bool reload = around_.supervisor.reload_asked();
  watch_.reset();
  tell("serving", fmt::format("new connections -> {}", successor_));
  around_.log.info("superseded by={} version={}", successor_, version_);
  around_.superseded();
  departing_ = std::make_unique<Departing>(
      Departing::Around{around_.loop, around_.log, around_.supervisor, around_.drain_timeout(), around_.over},
      std::move(channel_), std::move(clients_), std::move(report_));
  for (const succession::Message& message : std::exchange(early_, {})) departing_->on(message);
  // Who was asked was the owner, and so is asked now.
  if (reload && ::kill(successor_, SIGHUP) != 0)
    around_.log.error("reload cause=\"the successor cannot be told: {}\"", base::errno_text(errno));
  if (stop_ && ::kill(successor_, SIGTERM) != 0)
    around_.log.error("stop cause=\"the successor cannot be told: {}\"", base::errno_text(errno));
}

bool Upgrade::stop() {
  if (departing_) {
    departing_->end();
    return true;
  }
  if (stage_ == Stage::starting && ordered_) {
    stop_ = true;
    around_.keeper.end_successor();
    return true;
  }
  give_up(ExitCode::aborted, "the daemon was told to end");
  return false;
}

void Upgrade::look() {
  if (departing_) departing_->look();
}

void Upgrade::tell(std::string phase, std::string text) {
  if (report_) report_->add(now(), std::move(phase), std::move(text));
}

void Upgrade::fail(ExitCode exit, const std::string& why, const std::vector<std::string>& lines) {
  stage_ = Stage::idle;
  poll_timer_.stop();
  next_ = {};
  for (const std::string& line : lines) tell("", line);
  around_.log.warning("upgrade-failed cause=\"{}\"", base::quotable(why));
  for (const std::string& line : lines)
    around_.log.warning("upgrade-failed said=\"{}\"", base::quotable(line));
  if (auto report = std::exchange(report_, nullptr)) report->finish(now(), "failed", why, exit);
  // It was told to end while that was not its own to decide.
  if (std::exchange(stop_, false)) around_.supervisor.shut_down();
}

}  // namespace gracevisor::daemon
