// Stands in for gracevisord below a keeper: it hands the socket to its keeper over to the test, which so is
// the daemon, and does with itself what the test says: "exit N", "kill N" (a signal), "close" (its own end of
// the keeper's socket). What signals come it passes on as "signal N". The test listens at $KEEPER_TEST.
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): sigprocmask is POSIX
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    std::exit(99);
  return fd;
}

void hand_over(int fd, int given, const std::string& text) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof given)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof given);
  std::memcpy(CMSG_DATA(rights), &given, sizeof given);
  if (::sendmsg(fd, &message, 0) < 0) std::exit(98);
}

void obey(const std::string& order, int keeper) {
  const int number = std::atoi(order.substr(order.find(' ') + 1).c_str());
  if (order.starts_with("exit")) std::_Exit(number);
  if (order.starts_with("close")) (void)::close(keeper);
  if (!order.starts_with("kill")) return;
  rlimit none{};
  (void)::setrlimit(RLIMIT_CORE, &none);
  sigset_t every;
  (void)::sigfillset(&every);
  (void)::sigprocmask(SIG_UNBLOCK, &every, nullptr);
  (void)::signal(number, SIG_DFL);  // a sanitizer has its own idea of some
  (void)::raise(number);
}

}  // namespace

int main(int argc, char** argv) {
  const char* number = std::getenv("GV_KEEPER");
  const char* place = std::getenv("KEEPER_TEST");
  if (place == nullptr) return 97;
  std::string words = std::to_string(::getpid()) + '\n';
  for (int i = 1; i < argc; ++i) words += std::string(argv[i]) + '\n';
  sigset_t mask;
  (void)::sigfillset(&mask);
  const int test = connect_to(place);
  (void)::sigprocmask(SIG_BLOCK, &mask, nullptr);
  const int signals = ::signalfd(-1, &mask, SFD_CLOEXEC);
  const int keeper = number != nullptr ? std::atoi(number) : -1;
  hand_over(test, keeper, words);
  for (;;) {
    std::array<pollfd, 2> sources{{{test, POLLIN, 0}, {signals, POLLIN, 0}}};
    if (::poll(sources.data(), sources.size(), -1) < 0) return 96;
    if (sources[1].revents != 0) {
      signalfd_siginfo info{};
      if (::read(signals, &info, sizeof info) != sizeof info) return 95;
      const std::string line = "signal " + std::to_string(info.ssi_signo);
      if (::send(test, line.data(), line.size(), MSG_NOSIGNAL) < 0) return 94;
    }
    if (sources[0].revents == 0) continue;
    std::array<char, 100> order{};
    const ssize_t size = ::recv(test, order.data(), order.size(), 0);
    if (size <= 0) return 93;
    obey(std::string(order.data(), static_cast<std::size_t>(size)), keeper);
  }
}
