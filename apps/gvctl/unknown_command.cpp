#include "gvctl/unknown_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/nearest.h"

namespace gracevisor::gvctl {
namespace {

struct Foreign {
  std::string_view word;
  std::string_view here;  // what is done here instead
};

constexpr std::string_view kReload =
    "gvctl reload puts changed files into force (--dry-run: what it would do)";
constexpr std::string_view kRemove =
    "take the app out of the configuration, then gvctl reload --remove drains and stops it";
constexpr std::string_view kStatus = "gvctl status shows it";
constexpr std::string_view kAutostart = "set autostart in the configuration, then gvctl reload";
constexpr std::string_view kDeploy = "gvctl deploy APP replaces its processes without losing a request";
constexpr std::string_view kShow = "gvctl show APP shows its settings, gvctl status APP its instances";
constexpr std::string_view kCheck =
    "gvctl check checks the files, gvctl show APP shows what an app runs with, gvctl reload --dry-run how "
    "the files differ from that";
constexpr std::string_view kLogs = "gvctl logs APP shows what it wrote, -f what it writes";
constexpr std::string_view kLater = "not in this version";

constexpr auto kForeign = std::to_array<Foreign>({
    {"add", kReload},
    {"alerts", "not in this version: the daemon's log has a line for each event"},
    {"app", "not in this version; gvctl status, logs and deploy take the app's name directly"},
    {"apply", kReload},
    {"avail", kStatus},
    {"boot", "gvctl start APP starts what is stopped"},
    {"clear", "logs rotate by log.max_size and log.keep; nothing has to be cleared"},
    {"compare", kLater},
    {"config", kCheck},
    {"daemon-reload", kReload},
    {"delete", kRemove},
    {"describe", kShow},
    {"disable", kAutostart},
    {"down", "gvctl stop APP stops an app, gvctl shutdown the daemon with all of them"},
    {"drain", "gvctl stop APP drains it, then stops it"},
    {"enable", kAutostart},
    {"events", "not in this version: the daemon's log has a line for each event"},
    {"exec", kLater},
    {"exit", "gvctl is no shell: each call is one command; gvctl shutdown ends the daemon"},
    {"fg", "not in this version: gvctl logs -f APP follows its output"},
    {"flush", "logs rotate by log.max_size and log.keep; nothing has to be flushed"},
    {"import", "gracevisord --import FILE prints what a file of another supervisor means here"},
    {"info", kShow},
    {"is-active", "gvctl status --exit-code APP exits with 14 unless it runs as it should"},
    {"jlist", "gvctl --json status"},
    {"l", kStatus},
    {"list", kStatus},
    {"log", kLogs},
    {"maintail",
     "gvctl logs APP shows what an app wrote; the daemon's own log is where daemon.log.file says"},
    {"maintenance", "not in this version: proxy_options.error_pages says what clients get meanwhile"},
    {"metrics", "not in this version: gvctl --json status has the counts"},
    {"monit", "not in this version: gvctl status shows the state, memory and requests of each instance"},
    {"open", kLater},
    {"pause", "not in this version: gvctl stop APP drains an app and stops it"},
    {"pid", "gvctl status APP shows the pids, gvctl --json status APP for programs"},
    {"ping", "gvctl version exits with 0 when the daemon answers, with 3 when there is none"},
    {"promote", "not in this version: a deploy switches by itself once the new generation is healthy"},
    {"quit", "gvctl is no shell: each call is one command; gvctl shutdown ends the daemon"},
    {"reload-all", kReload},
    {"remove", kRemove},
    {"reopen", "send the daemon SIGUSR1: it opens all log files again"},
    {"reread", kReload},
    {"reset", kLater},
    {"resume", "not in this version: gvctl start APP starts what is stopped"},
    {"resurrect",
     "nothing has to be resurrected: what ran, and what was stopped, is restored at the daemon's start"},
    {"rollback", "not in this version: within the guard of a deploy, gvctl abort APP goes back"},
    {"rolling-restart", kDeploy},
    {"rollout", kDeploy},
    {"run", kLater},
    {"save", "nothing has to be saved: what runs, and what is stopped, is recorded at once"},
    {"startup",
     "install the systemd unit, gracevisor.service; what runs, and what is stopped, is recorded at once"},
    {"top", "not in this version: gvctl status shows the state, memory and requests of each instance"},
    {"unmonitor", kRemove},
    {"up", "gvctl start APP starts what is stopped; gracevisord -c FILE starts the daemon"},
    {"update", kReload},
    {"web", "not in this version: gvctl status --watch"},
});
static_assert(std::ranges::is_sorted(kForeign, {}, &Foreign::word));

}  // namespace

std::string unknown_command(std::string_view word, std::span<const std::string_view> commands) {
  auto foreign = std::ranges::lower_bound(kForeign, word, {}, &Foreign::word);
  if (foreign != kForeign.end() && foreign->word == word) {
    return fmt::format("no command \"{}\": {}", word, foreign->here);
  }
  return fmt::format("no command \"{}\"{}", word, base::did_you_mean(word, commands));
}

}  // namespace gracevisor::gvctl
