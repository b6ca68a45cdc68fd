#include "below_keeper.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace gracevisor::daemon {
namespace {

constexpr const char* kKeeperName = "gv-keeper";

}  // namespace

std::vector<supervise::KeptChild> kept_children(Found& found) {
  std::vector<supervise::KeptChild> children;
  for (keeper::ListedChild& child : std::exchange(found.held.children, {})) {
    supervise::KeptChild& kept = children.emplace_back();
    kept.app = child.tag.app;
    kept.generation = base::GenerationId(child.tag.generation);
    kept.slot = base::Slot(child.tag.slot);
    kept.incarnation = base::Incarnation(child.tag.incarnation);
    kept.started = base::BootTime(std::chrono::nanoseconds(child.tag.started));
    kept.endpoint = child.tag.endpoint;
    kept.process.pid = child.pid;
    if (child.ending.how != keeper::How::lives) kept.process.ended = keeper::as_status(child.ending);
    kept.process.pidfd = std::move(child.pidfd);
    kept.process.out = std::move(child.out);
    kept.process.err = std::move(child.err);
    kept.process.report = std::move(child.report);
  }
  return children;
}

base::UniqueFd copy_of(const Found& found, const std::string& name) {
  for (const keeper::ListedName& one : found.held.names) {
    if (name != one.name.text) continue;
    // It stays, like what could not be held at all: then whoever needs it opens it anew.
    auto copy = base::duplicate(one.fd.get());
    return copy ? std::move(*copy) : base::UniqueFd();
  }
  return {};
}

base::Error become_keeper(char** argv) {
  std::error_code code;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", code);
  if (code) return base::system_error("cannot read /proc/self/exe", code.value());
  const std::filesystem::path folder = self.parent_path();
  std::string program = self.string();
  std::string name = kKeeperName;
  std::string end_of_options = "--";
  std::vector<char*> words{name.data(), end_of_options.data(), program.data()};
  for (char** word = argv + 1; *word != nullptr; ++word) words.push_back(*word);
  words.push_back(nullptr);
  std::string tried;
  for (const std::filesystem::path& place :
       {folder / kKeeperName, (folder / GV_EXEC_FROM_DAEMON / kKeeperName).lexically_normal()}) {
    (void)::execv(place.c_str(), words.data());
    tried += (tried.empty() ? "" : ", ") + place.string() + ": " + base::errno_text(errno);
    // One that exists but cannot be used is an error to report, not a reason to try the next place.
    if (errno != ENOENT) break;
  }
  return {"cannot execute gv-keeper, which keeps the daemon and its apps: " + tried, errno};
}

base::Expected<Found> meet_keeper(keeper::Client client) {
  // It was executed from a descriptor, which the kernel took for its name.
  if (::prctl(PR_SET_NAME, "gracevisord") != 0) return base::fail_errno("cannot set its name", errno);
  auto welcomed = keeper::greet(client);
  if (!welcomed) return std::unexpected(welcomed.error());
  auto held = keeper::list_all(client);
  if (!held) return std::unexpected(held.error());
  return Found{std::move(client), welcomed->facts, std::move(*held), std::move(welcomed->channel)};
}

}  // namespace gracevisor::daemon
