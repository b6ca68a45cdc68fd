// What a process finds when its program begins: environment, descriptors, signals, limits, user.
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <sstream>

#include "base/address.h"
#include "base/unique_fd.h"
#include "loop/listening_socket.h"
#include "process/process.h"
#include "support/temp_folder.h"
#include "unit/process/process_fixture.h"

namespace gracevisor::process {
namespace {

using test::TempFolder;
using testing::Bench;
using testing::command;
using testing::shell;

// Runs the test app that prints "name value" lines.
std::multimap<std::string, std::string> surroundings(Bench& bench, const spawn::SpawnPlan& plan) {
  bench.run(plan);
  REQUIRE(*bench.seen.status == spawn::ExitStatus(spawn::Exited{0}));
  std::multimap<std::string, std::string> facts;
  std::istringstream lines(bench.seen.out);
  for (std::string line; std::getline(lines, line);) {
    auto split = line.find_first_of(" \t");
    facts.emplace(line.substr(0, split), line.substr(line.find_first_not_of(" \t", split)));
  }
  return facts;
}
std::string fact(const std::multimap<std::string, std::string>& facts, const std::string& name) {
  auto found = facts.find(name);
  return found == facts.end() ? "(missing)" : found->second;
}
spawn::SpawnPlan show() {
  return command({GV_PROCESS_APP, "surroundings"});
}

TEST_CASE("surroundings: the environment is the plan's, byte for byte and in order") {
  Bench bench;
  REQUIRE(::setenv("GV_TEST_SECRET", "of the daemon", 1) == 0);
  auto plan = command({"/usr/bin/env", "-0"});
  plan.environment = {"B=2", "A=\xff\xfe raw", "EMPTY=", "LINES=a\nb"};
  bench.run(plan);
  REQUIRE(::unsetenv("GV_TEST_SECRET") == 0);
  std::string expected;
  for (const auto& entry : plan.environment) expected += entry + '\0';
  CHECK(bench.seen.out == expected);
}

TEST_CASE("surroundings: arguments arrive as they are, argv[0] included") {
  Bench bench;
  auto plan = command({"a name", "-c", R"(printf '<%s>' "$0" "$@")", "", "two words", "\xc3\x28"});
  plan.program = "/bin/sh";
  bench.run(plan);
  CHECK(bench.seen.out == "<><two words><\xc3\x28>");
}

TEST_CASE("surroundings: a session of its own, the plan's directory, an umask, /dev/null to read") {
  TempFolder folder;
  Bench bench;
  auto plan = show();
  plan.directory = folder.path();
  auto facts = surroundings(bench, plan);
  CHECK(fact(facts, "session") == "1");
  CHECK(fact(facts, "group") == "1");
  CHECK(fact(facts, "directory") == folder.path().string());
  CHECK(fact(facts, "umask") == "22");
  CHECK(fact(facts, "stdin") == "/dev/null");
  CHECK(fact(facts, "NoNewPrivs:") == "0");
}

TEST_CASE("surroundings: no descriptor leaks, not even one that was meant to") {
  base::UniqueFd careless(::open("/dev/null", O_RDONLY));
  base::UniqueFd high(::fcntl(careless.get(), F_DUPFD, 500));
  REQUIRE(high);
  Bench bench;
  CHECK(fact(surroundings(bench, show()), "fds") == "0 1 2");
}

TEST_CASE("surroundings: a listener is descriptor 3, blocking, and described as sd_listen_fds(3) wants it") {
  TempFolder folder;
  auto address = base::Address::unix_path((folder.path() / "s").string());
  REQUIRE(address.has_value());
  auto listening = loop::open_listening_sockets(*address, 1);  // non-blocking
  REQUIRE(listening.has_value());
  Bench bench;
  auto plan = show();
  plan.listener = listening->sockets.front().get();
  for (const char* stale : {"LISTEN_PID=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=a:b"}) {
    plan.environment.emplace_back(stale);
  }
  bench.start(plan);
  REQUIRE(bench.until([&] { return bench.seen.begun == 1; }));
  std::string pid = std::to_string(bench.process->pid().value());
  REQUIRE(bench.until("gone"));
  CHECK(bench.seen.out.find("\nfds 0 1 2 3\n") != std::string::npos);
  CHECK(bench.seen.out.find("\nlistener " + address->text() + " blocking 1\n") != std::string::npos);
  for (const auto& told :
       {"LISTEN_PID " + pid, std::string("LISTEN_FDS 1"), std::string("LISTEN_FDNAMES http")}) {
    auto at = bench.seen.out.find("\n" + told + "\n");
    CHECK(at != std::string::npos);
  }
  CHECK(bench.seen.out.find("LISTEN_PID 1\n") == std::string::npos);

  // The socket stays the daemon's, for the next one; without a listener nothing is said about one.
  bench.seen = {};
  bench.run(plan);
  CHECK(bench.seen.out.find("\nlistener " + address->text() + " blocking 1\n") != std::string::npos);
  bench.seen = {};
  bench.run(show());
  CHECK(bench.seen.out.find("LISTEN_") == std::string::npos);
  CHECK(bench.seen.out.find("listener") == std::string::npos);
}

TEST_CASE("surroundings: output is blocking, and readable, so that it never breaks") {
  Bench bench;
  auto facts = surroundings(bench, show());
  CHECK(facts.count("access") == 2);
  for (auto [it, end] = facts.equal_range("access"); it != end; ++it)
    CHECK(it->second == std::to_string(O_RDWR));
  for (auto [it, end] = facts.equal_range("blocking"); it != end; ++it) CHECK(it->second == "1");
}

TEST_CASE("surroundings: what the daemon ignores and blocks is not inherited") {
  auto pipe_before = std::signal(SIGPIPE, SIG_IGN);
  auto usr_before = std::signal(SIGUSR2, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  REQUIRE(::sigemptyset(&blocked) == 0);
  REQUIRE(::sigaddset(&blocked, SIGTERM) == 0);
  REQUIRE(::sigaddset(&blocked, SIGHUP) == 0);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
  Bench bench;
  auto facts = surroundings(bench, show());
  REQUIRE(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  (void)std::signal(SIGPIPE, pipe_before);
  (void)std::signal(SIGUSR2, usr_before);
  CHECK(fact(facts, "SigBlk:") == "0000000000000000");
  CHECK(fact(facts, "SigIgn:") == "0000000000000000");
}

TEST_CASE("surroundings: the soft limit of open files is the one asked for") {
  Bench bench;
  auto plan = show();
  plan.open_files = 77;
  CHECK(fact(surroundings(bench, plan), "nofile") == "77");
  bench.seen = {};
  plan.open_files = std::nullopt;
  rlimit own{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
  CHECK(fact(surroundings(bench, plan), "nofile") == std::to_string(own.rlim_cur));
}

TEST_CASE("surroundings: a program survives that nobody reads its output any more") {
  Bench bench;
  TempFolder folder;
  auto told = folder.path() / "told";
  auto plan = shell("echo begun; while ! [ -e go ]; do :; done; echo more && echo ok >told");
  plan.directory = folder.path();
  (void)bench.start_until_line(plan);
  pid_t pid = bench.process->pid().value();
  bench.process.reset();  // as if the daemon had died
  bench.loop().run_once(false);
  (void)folder.write("go", "");
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status));
  CHECK(std::filesystem::file_size(told) == 3);
}

TEST_CASE("surroundings: user, group and supplementary groups are the plan's, and there is no way back") {
  if (::geteuid() != 0) {
    MESSAGE("skipped: needs root");
    return;
  }
  Bench bench;
  auto plan =
      shell("id -u; id -g; id -G; cat /proc/self/status | grep -E '^(Uid|Gid|CapEff)'; echo x >/dev/stderr");
  plan.credentials = spawn::Credentials{12345, 12346, {12346, 12350, 12349}, "", "", ""};
  bench.run(plan);
  CHECK(bench.seen.out ==
        "12345\n12346\n12346 12349 12350\nUid:\t12345\t12345\t12345\t12345\n"
        "Gid:\t12346\t12346\t12346\t12346\nCapEff:\t0000000000000000\n");
  // Opened by name, which needs the pipe to be the user's.
  CHECK(bench.seen.err == "x\n");
  CHECK(*bench.seen.status == spawn::ExitStatus(spawn::Exited{0}));
}

}  // namespace
}  // namespace gracevisor::process
