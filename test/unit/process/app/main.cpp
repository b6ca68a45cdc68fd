// Two programs in one for the tests of processes. Called with a word it is an app that shows its surroundings
// or behaves badly on purpose. Executed in the place of gv-exec it is a spawn helper that does not do its
// work, in the way that GV_TEST_HELPER says.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/address.h"

namespace {

// What this process was passed as a listener, and what it was told of it.
void show_listener() {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(3, reinterpret_cast<sockaddr*>(&bound), &length) == 0) {
    auto address = gracevisor::base::Address::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), length);
    fmt::print("listener {} blocking {}\n", address.text(), (::fcntl(3, F_GETFL) & O_NONBLOCK) == 0 ? 1 : 0);
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    if (!text.starts_with("LISTEN_")) continue;
    text[text.find('=')] = ' ';
    fmt::print("{}\n", text);
  }
}

// One "name value" line per fact.
int show_surroundings() {
  fmt::print("session {}\n", ::getsid(0) == ::getpid() ? 1 : 0);
  fmt::print("group {}\n", ::getpgrp() == ::getpid() ? 1 : 0);
  mode_t mask = ::umask(0);
  fmt::print("umask {:o}\n", mask);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  fmt::print("nofile {}\n", limit.rlim_cur);
  fmt::print("stdin {}\n", std::filesystem::read_symlink("/proc/self/fd/0").string());
  fmt::print("directory {}\n", std::filesystem::current_path().string());
  for (int fd : {1, 2}) {
    int flags = ::fcntl(fd, F_GETFL);
    fmt::print("access {}\nblocking {}\n", flags & O_ACCMODE, (flags & O_NONBLOCK) == 0 ? 1 : 0);
  }
  fmt::print("fds");
  for (int fd = 0; fd < 1024; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) fmt::print(" {}", fd);
  }
  fmt::print("\n");
  show_listener();
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Sig") || line.starts_with("NoNewPrivs")) fmt::print("{}\n", line);
  }
  return 0;
}

// Leaves behind a process of its group that stays a zombie, since its parent never waits; and that one is not
// to be found: it left the session, has lost its parent and carries no marks. Prints its pid.
int keep_zombie() {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return 1;
  pid_t keeper = ::fork();
  if (keeper < 0) return 1;
  if (keeper == 0) {
    pid_t member = ::fork();
    if (member == 0) {
      (void)::close(ready[1]);
      for (;;) (void)::pause();
    }
    if (member < 0 || ::setsid() < 0) ::_exit(1);
    char* const nothing[] = {nullptr};
    (void)::execle("/proc/self/exe", "app", "pause", nullptr, nothing);
    ::_exit(1);
  }
  // The pipe ends when the other program runs.
  (void)::close(ready[1]);
  char byte = 0;
  if (::read(ready[0], &byte, 1) != 0) return 1;
  fmt::print("{}\n", keeper);
  return 0;
}

// As a spawn helper; descriptor 4 is its report.
int misbehave(std::string_view fault) {
  if (fault == "dies") return ::raise(SIGKILL);  // which no sanitizer sees
  if (fault == "babbles") {
    std::string rubbish(100'000, '\0');
    return ::write(4, rubbish.data(), rubbish.size()) > 0 ? 0 : 1;
  }
  if (fault == "hangs" && ::write(1, "begun\n", 6) == 6) {
    for (;;) (void)::pause();
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* fault = std::getenv("GV_TEST_HELPER"); fault != nullptr && argc == 1)
    return misbehave(fault);
  std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "surroundings") return show_surroundings();
  if (word == "keep-zombie") return keep_zombie();
  while (word == "pause") (void)::pause();
  (void)std::fprintf(stderr, "unknown word\n");
  return 2;
}
