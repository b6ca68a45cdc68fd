#include "command_run.h"

#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#include "spec/program.h"

namespace gracevisor::daemon {
namespace {

constexpr std::size_t kMostBytes = std::size_t{64} << 10;
constexpr std::size_t kMostLines = 50;

std::vector<std::string> bare_environment() {
  return {"PATH=" + std::string(spec::kDefaultPath)};
}

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) all.emplace_back(*entry);
  return all;
}

// It was not started, for whatever reason but that it cannot be executed.
bool is_hindrance(const spawn::ExitStatus& status) {
  const auto* failed = std::get_if<spawn::SpawnFailed>(&status);
  return failed != nullptr && failed->stage != spawn::SpawnStage::exec;
}

std::vector<std::string> last_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t end = text.find('\n', from);
    lines.push_back(text.substr(from, end - from));
    from = end == std::string::npos ? text.size() : end + 1;
  }
  if (lines.size() > kMostLines) lines.erase(lines.begin(), lines.end() - kMostLines);
  return lines;
}

}  // namespace

CommandRun::CommandRun(loop::Loop& loop, process::Parent& parent, Command command,
                       std::function<void(Result)> ended)
    : looker_(loop, parent.pid()),
      ended_(std::move(ended)),
      patience_(loop,
                [this] {
                  late_ = true;
                  process_->kill_tree();
                }),
      failed_(loop, [this] { end({}); }) {
  std::error_code code;
  spawn::SpawnPlan plan;
  plan.program = command.argv.front();
  plan.argv = std::move(command.argv);
  plan.in = command.in ? command.in.get() : -1;
  plan.out = command.out ? command.out.get() : -1;
  plan.credentials = std::move(command.user);
  plan.limits.nice = command.nice;
  plan.environment = command.bare ? bare_environment() : own_environment();
  if (!command.bare) plan.directory = std::filesystem::current_path(code).string();
  if (plan.directory.empty()) plan.directory = "/";
  process::ChildName child;
  child.app = std::move(command.name);
  child.slot = 1;
  auto started = process::Process::start({loop, parent, looker_}, plan, child, {*this, *this});
  if (started) {
    process_ = std::move(*started);
    patience_.start(command.patience);
  } else {
    how_ = text(spawn::ExitStatus(started.error()));
    hindered_ = true;
    failed_.start(base::Millis(1));
  }
}

CommandRun::~CommandRun() {
  if (process_) process_->kill_tree();
}

void CommandRun::on(const spawn::ProcessEvent& event) {
  if (const auto* ended = std::get_if<spawn::Ended>(&event)) {
    const auto* exited = std::get_if<spawn::Exited>(&ended->status);
    done_ = exited != nullptr && exited->code == 0 && !late_;
    hindered_ = late_ || is_hindrance(ended->status);
    how_ = late_ ? "it did not end in time" : text(ended->status);
  } else if (std::holds_alternative<spawn::Gone>(event) || std::holds_alternative<spawn::Unkillable>(event)) {
    if (how_.empty()) how_ = "it cannot be killed";
    end({});
  }
}

void CommandRun::take(process::OutputStream /*stream*/, std::string_view bytes) {
  output_ += bytes;
  if (output_.size() > kMostBytes) output_.erase(0, output_.size() - kMostBytes);
}

void CommandRun::end(Result result) {
  patience_.stop();
  result.done = done_;
  result.how = how_;
  result.hindered = hindered_;
  result.lines = last_lines(output_);
  // It may destroy this.
  if (auto ended = std::exchange(ended_, {})) ended(std::move(result));
}

}  // namespace gracevisor::daemon
