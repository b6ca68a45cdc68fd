#include "migrate/node.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "base/unique_fd.h"

namespace gracevisor::migrate {
namespace {

using Instant = std::chrono::steady_clock::time_point;

// Modules of either kind; a function is called, as some files export one. Descriptor 3 is ours.
constexpr const char* kScript = R"(
import { pathToFileURL } from "node:url";
import { writeSync } from "node:fs";
const module = await import(pathToFileURL(process.argv[1]));
let value = module.default ?? module;
if (typeof value === "function") value = await value();
const bytes = Buffer.from(JSON.stringify(value) ?? "");
for (let at = 0; at < bytes.length;) at += writeSync(3, bytes, at);
process.exit(0);
)";

// posix_spawn's two arguments that need to be freed.
class Setup {
 public:
  Setup() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  Setup(const Setup&) = delete;
  Setup& operator=(const Setup&) = delete;
  ~Setup() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

base::Expected<pid_t> start(const std::string& path, int out) {
  Setup setup;
  int failed = ::posix_spawn_file_actions_addopen(&setup.actions, 0, "/dev/null", O_RDONLY, 0);
  if (failed == 0) failed = ::posix_spawn_file_actions_adddup2(&setup.actions, 2, 1);
  if (failed == 0) failed = ::posix_spawn_file_actions_adddup2(&setup.actions, out, 3);
  sigset_t all;
  ::sigfillset(&all);
  sigset_t none;
  ::sigemptyset(&none);
  if (failed == 0) failed = ::posix_spawnattr_setsigdefault(&setup.attributes, &all);
  if (failed == 0) failed = ::posix_spawnattr_setsigmask(&setup.attributes, &none);
  if (failed == 0) failed = ::posix_spawnattr_setpgroup(&setup.attributes, 0);
  constexpr int kFlags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP;
  if (failed == 0) failed = ::posix_spawnattr_setflags(&setup.attributes, kFlags);
  if (failed != 0) return base::fail_errno("cannot prepare to start node", failed);
  std::array<std::string, 6> words = {"node", "--input-type=module", "-e", kScript, "--", path};
  std::array<char*, 7> arguments{};
  std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
  pid_t child = 0;
  failed = ::posix_spawnp(&child, "node", &setup.actions, &setup.attributes, arguments.data(), environ);
  if (failed == ENOENT) return base::fail("node is not installed, which must run " + path);
  if (failed != 0) return base::fail_errno("cannot start node", failed);
  return child;
}

// What comes until the end; an error when the time is over or too much comes.
base::Expected<std::string> read_until(int fd, Instant deadline, const std::string& path) {
  std::string text;
  std::array<char, 16384> buffer{};
  for (;;) {
    auto left = std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return base::fail(path + ": it did not end in time");
    pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return base::fail_errno("cannot wait for node", errno);
    if (ready <= 0) continue;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) return base::fail_errno("cannot read from node", errno);
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kMostNodeBytes)
      return base::fail(fmt::format("{}: it exports more than {} bytes", path, kMostNodeBytes));
  }
}

}  // namespace

bool is_program(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  return ending == ".js" || ending == ".cjs" || ending == ".mjs";
}

base::Expected<std::string> read_with_node(const std::filesystem::path& path, Millis patience) {
  if (::geteuid() == 0 || ::getuid() == 0) {
    return base::fail(path.string() +
                      " is a program, which is not run as root: run the same command as the user who owns "
                      "the app (sudo -u USER ...), and send the output to a file");
  }
  auto pipe = base::make_pipe();
  if (!pipe) return std::unexpected(pipe.error());
  // Above 3: dup2 of 3 to itself would leave it to be closed on exec.
  auto writing = base::duplicate(pipe->write_end.get(), 4);
  if (!writing) return std::unexpected(writing.error());
  pipe->write_end.reset();
  auto child = start(path.string(), writing->get());
  if (!child) return std::unexpected(child.error());
  writing->reset();
  auto text = read_until(pipe->read_end.get(), std::chrono::steady_clock::now() + patience, path.string());
  // A process that has closed the pipe by its end keeps its status.
  (void)::kill(-*child, SIGKILL);
  int status = 0;
  while (::waitpid(*child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text) return text;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return base::fail(path.string() + ": node could not run it");
  if (text->empty()) return base::fail(path.string() + ": it exports nothing");
  return text;
}

}  // namespace gracevisor::migrate
