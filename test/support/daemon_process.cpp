#include "support/daemon_process.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "base/process_entry.h"
#include "support/http_client.h"
#include "support/processes.h"
#include "support/wait.h"

namespace gracevisor::test {
namespace {

std::vector<std::string> with(std::vector<std::string> first, const std::vector<std::string>& rest) {
  first.insert(first.end(), rest.begin(), rest.end());
  return first;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

DaemonProcess::DaemonProcess(const Site& site, const std::vector<std::string>& arguments,
                             const std::filesystem::path& program)
    : site_(site), command_(std::make_unique<Command>(with({program, "-c", site.config()}, arguments))) {
  constexpr std::chrono::seconds kStart{10};
  bool settled = wait_until([this] { return !running() || status().has_value(); }, kStart);
  if (!settled) FAIL_CHECK("the daemon neither answers nor ends:\n" << log());
}

DaemonProcess::~DaemonProcess() {
  if (!ended_) (void)terminate();
}

CommandResult DaemonProcess::ctl(const std::vector<std::string>& arguments,
                                 std::chrono::milliseconds patience) const {
  return ctl_beside(arguments)->wait(patience);
}

std::unique_ptr<Command> DaemonProcess::ctl_beside(const std::vector<std::string>& arguments) const {
  return std::make_unique<Command>(with({GV_CTL, "--socket", site_.socket()}, arguments));
}

std::optional<control::StatusReport> DaemonProcess::status() const {
  auto address = base::Address::unix_path(site_.socket().string());
  if (!address) return std::nullopt;
  Request request;
  request.target = "/v1/status";
  request.host = "gv";
  auto answer = fetch(*address, request, std::chrono::seconds(5));
  if (!answer || answer->status != 200) return std::nullopt;
  auto report = control::read_status(answer->body);
  if (!report) return std::nullopt;
  return *report;
}

std::optional<control::AppStatus> DaemonProcess::app(const std::string& name) const {
  auto report = status();
  if (!report) return std::nullopt;
  auto found = std::find_if(report->apps.begin(), report->apps.end(),
                            [&](const control::AppStatus& app) { return app.name == name; });
  if (found == report->apps.end()) return std::nullopt;
  return *found;
}

bool DaemonProcess::wait_healthy(const std::string& name, std::size_t count,
                                 std::chrono::milliseconds patience) const {
  return wait_until(
      [&] {
        auto now = app(name);
        return now && now->healthy == count;
      },
      patience);
}

bool DaemonProcess::wait_state(const std::string& name, const std::string& state,
                               std::chrono::milliseconds patience) const {
  return wait_until(
      [&] {
        auto now = app(name);
        return now && now->state == state;
      },
      patience);
}

std::vector<pid_t> DaemonProcess::pids(const std::string& name) const {
  std::vector<pid_t> result;
  auto now = app(name);
  if (!now) return result;
  for (const control::InstanceStatus& instance : now->instances) {
    if (instance.state == "healthy" && instance.pid != 0) result.push_back(instance.pid);
  }
  return result;
}

std::size_t DaemonProcess::children() const {
  const std::vector<pid_t> all = descendants_of(keeper());
  return all.size() - static_cast<std::size_t>(std::ranges::count(all, pid()));
}

CommandResult DaemonProcess::wait_end(std::chrono::milliseconds patience) {
  CommandResult result = command_->wait(patience);
  ended_ = true;
  std::vector<std::string> left = kill_leftovers();
  if (result.timed_out) {
    FAIL_CHECK("the daemon did not end in time; its log:\n" << result.err);
  } else if (!left.empty()) {
    FAIL_CHECK("the daemon left processes behind:\n" << joined(left) << "its log:\n" << result.err);
  } else if (result.err.find(" event source ") != std::string::npos) {
    FAIL_CHECK("the daemon left an event source open; its log:\n" << result.err);
  }
  return result;
}

CommandResult DaemonProcess::terminate(std::chrono::milliseconds patience) {
  signal(SIGTERM);
  return wait_end(patience);
}

pid_t DaemonProcess::pid() const {
  for (const pid_t child : descendants_of(keeper())) {
    const auto entry = base::read_process_entry(child);
    if (entry && entry->parent == keeper() && entry->name == "gracevisord") return child;
  }
  return 0;
}

void DaemonProcess::kill_daemon() const {
  // Before that the keeper would end with it.
  REQUIRE_MESSAGE(wait_until([this] { return log().find(" kept keeper=") != std::string::npos; }), log());
  // And what it started would be nobody's.
  CHECK(wait_until([this] {
    const auto report = status();
    return report && std::ranges::all_of(report->apps, [this](const control::AppStatus& app) {
             const auto record = site_.directory() / "state" / "apps" / (app.name + ".json");
             return app.generation == 0 || std::filesystem::exists(record);
           });
  }));
  const pid_t daemon = pid();
  REQUIRE(daemon > 0);
  REQUIRE(::kill(daemon, SIGKILL) == 0);
}

// As if at one instant: neither does the keeper start another daemon, nor does the daemon see the keeper's
// end.
void DaemonProcess::abandon() {
  const pid_t daemon = pid();
  signal(SIGSTOP);
  if (daemon > 0) (void)::kill(daemon, SIGKILL);
  signal(SIGKILL);
  (void)command_->wait();
  ended_ = true;
}

void DaemonProcess::crash() {
  abandon();
  (void)kill_leftovers();
}

}  // namespace gracevisor::test
