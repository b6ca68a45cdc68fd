// What the daemon looks after while it runs: its folder, and what the keeper holds.
#include <fmt/format.h>

#include <utility>

#include "base/one_line.h"
#include "control/socket_file.h"
#include "daemon.h"
#include "daemon_folders.h"
#include "supervise/open_address.h"

namespace gracevisor::daemon {
namespace {

constexpr base::Duration kLookAgain = std::chrono::seconds(5);

// Where the daemon listens: "0.0.0.0:80, unix:/run/web.sock, and 12 more".
std::string addresses_text(const config::Config& config) {
  constexpr std::size_t kMost = 10;
  std::string text;
  std::size_t count = 0;
  for (const config::Listener& listener : config.listeners) {
    for (const base::Address& address : listener.addresses) {
      if (++count <= kMost) text += (text.empty() ? "" : ", ") + address.text();
    }
  }
  return count <= kMost ? text : fmt::format("{}, and {} more", text, count - kMost);
}

}  // namespace

void Daemon::say_ready() {
  const config::Config& config = settings_.config;
  decide::DescriptorBudget budget = supervisor_->budget();
  log_.info("descriptors limit={} need={} clients={} control={}", budget.limit(), budget.need(),
            budget.clients(), budget.control());
  if (!budget.enough()) log_.warning("descriptors cause=\"{}\"", budget.shortfall());
  log_.info("ready version={} workers={} apps={} config={} socket={} listeners=\"{}\"", GV_VERSION,
            workers_.size(), config.apps.size(), settings_.config_file.string(),
            control::socket_file(folder_.path()).string(), addresses_text(config));
}

base::Expected<void> Daemon::write_pid_file() {
  if (settings_.pid_file.empty()) return {};
  auto written = PidFile::write(settings_.pid_file, keeper_->parent().pid(), rules_);
  if (!written) return std::unexpected(written.error());
  pid_file_ = std::move(*written);
  return {};
}

base::Expected<void> Daemon::hold_folder() {
  auto found = folder_.look();
  if (!found) {
    std::string problem = found.error().what;
    if (std::exchange(folder_problem_, problem) != problem) {
      log_.error("runtime-dir path={} cause=\"it was removed, and is not ours now: {}\"",
                 folder_.path().string(), problem);
    }
    return std::unexpected(found.error());
  }
  folder_problem_.clear();
  if (*found == control::RuntimeFolder::Found::renewed) {
    hold_locks();
    log_.warning("runtime-dir path={} cause=\"it was removed: made again\"", folder_.path().string());
    if (folder_timer_) folder_timer_->start(base::Duration::zero());  // what was in it
  }
  return {};
}

// The keeper has them too, so that no other daemon can come between this one and the next.
void Daemon::hold_locks() {
  keeper_->held().hold(kHeldRuntimeLock, folder_.lock().fd());
  if (state_lock_) keeper_->held().hold(kHeldStateLock, state_lock_->fd());
}

// Addresses of a deploy that was under way, or of an app that is not there any more.
void Daemon::give_up_unclaimed() {
  for (const char* kind : {"listen/", "fd/"}) {
    for (const auto& [name, socket] : keeper_->held().take_rest(kind)) {
      log_.info("given-up name=\"{}\"", name);
      supervise::end_listening(socket.get());
    }
  }
}

void Daemon::look_after_folder() {
  folder_timer_->start(kLookAtFolder);
  if (!acts_) return;
  if (!hold_folder()) return;
  auto renewed = server_->renew_socket();
  if (!renewed) {
    log_.error("control cause=\"{}\"", base::quotable(renewed.error().what));
  } else if (*renewed) {
    log_.warning("control path={} cause=\"it was removed: bound again\"",
                 control::socket_file(folder_.path()).string());
  }
  server_->admit(control::Admission(supervisor_->budget().control()));
  bool missing = supervisor_->look_at_sockets();
  folder_timer_->start(missing ? kLookAgain : kLookAtFolder);
}

}  // namespace gracevisor::daemon
