#include "migrate/node.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
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

// In the child. Nothing but calls that are safe after fork(2); an error is written to `failed`.
[[noreturn]] void become_node(char* const* arguments, int out, int failed, pid_t parent) {
  sigset_t none;
  ::sigemptyset(&none);
  for (int number = 1; number <= SIGRTMAX; ++number) {
    if (number != SIGKILL && number != SIGSTOP) (void)std::signal(number, SIG_DFL);
  }
  const int empty = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  // Whatever ends the importer ends what it runs, which may go on for ever.
  const bool ready = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && empty >= 0 &&
                     ::dup2(empty, 0) == 0 && ::dup2(2, 1) == 1 && ::dup2(out, 3) == 3 &&
                     ::pthread_sigmask(SIG_SETMASK, &none, nullptr) == 0;
  if (::getppid() != parent) ::_exit(127);
  if (ready) (void)::execvp("node", arguments);
  const int error = errno;
  (void)!::write(failed, &error, sizeof error);
  ::_exit(127);
}

// The descriptor that the child closes when it executes node, or writes its error to. Above 3, which is
// `out`'s.
base::Expected<base::Pipe> failure_pipe() {
  auto pipe = base::make_pipe();
  if (!pipe) return pipe;
  auto writing = base::duplicate(pipe->write_end.get(), 4);
  if (!writing) return std::unexpected(writing.error());
  pipe->write_end = std::move(*writing);
  return pipe;
}

// One thread only: the child may call little before it executes.
base::Expected<pid_t> start(const std::string& path, int out) {
  std::array<std::string, 6> words = {"node", "--input-type=module", "-e", kScript, "--", path};
  std::array<char*, 7> arguments{};
  std::ranges::transform(words, arguments.begin(), [](std::string& word) { return word.data(); });
  auto failure = failure_pipe();
  if (!failure) return std::unexpected(failure.error());
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return base::fail_errno("cannot start node", errno);
  if (child == 0) become_node(arguments.data(), out, failure->write_end.get(), parent);
  failure->write_end.reset();
  int failed = 0;
  ssize_t got = 0;
  do {
    got = ::read(failure->read_end.get(), &failed, sizeof failed);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return child;
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (failed == ENOENT) return base::fail("node is not installed, which must run " + path);
  return base::fail_errno("cannot start node", failed);
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
