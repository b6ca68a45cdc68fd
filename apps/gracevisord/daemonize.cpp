#include "daemonize.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/signal_fd.h"
#include "base/standard_error.h"
#include "base/unique_fd.h"
#include "below_keeper.h"
#include "exit_status.h"

namespace gracevisor::daemon {
namespace {

int fail(const base::Error& error) {
  base::say_on_standard_error("gracevisord: " + error.what + "\n");
  return kFailed;
}

// Where the keeper says that the daemon is ready: an abstract address, which needs no folder.
struct Readiness {
  base::UniqueFd socket;
  std::string name;  // as in $NOTIFY_SOCKET
};

base::Expected<Readiness> await_readiness() {
  Readiness readiness;
  readiness.socket = base::UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!readiness.socket) return base::fail_errno("cannot make a socket", errno);
  constexpr int kYes = 1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof address.sun_family;  // the kernel chooses the name
  // Any process can write to it: the kernel says which one did.
  if (::setsockopt(readiness.socket.get(), SOL_SOCKET, SO_PASSCRED, &kYes, sizeof kYes) != 0 ||
      ::bind(readiness.socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
    return base::fail_errno("cannot bind a socket", errno);
  size = sizeof address;
  if (::getsockname(readiness.socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return base::fail_errno("cannot read a socket's name", errno);
  const std::size_t length = size - offsetof(sockaddr_un, sun_path);
  readiness.name = "@" + std::string(address.sun_path + 1, length - 1);
  return readiness;
}

// In the child: does not return.
[[noreturn]] void become_detached_keeper(char** argv, const Readiness& readiness, int output) {
  const base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const bool detached = null && ::setsid() >= 0 && ::dup2(null.get(), STDIN_FILENO) >= 0 &&
                        ::dup2(output, STDOUT_FILENO) >= 0 && ::dup2(output, STDERR_FILENO) >= 0 &&
                        ::setenv("NOTIFY_SOCKET", readiness.name.c_str(), 1) == 0;
  const base::Error error =
      detached ? become_keeper(argv) : base::system_error("cannot leave the terminal", errno);
  std::_Exit(fail(error));
}

class Wait {
 public:
  Wait(pid_t keeper, base::UniqueFd pidfd, const Readiness& readiness, base::UniqueFd output,
       base::SignalFd signals)
      : keeper_(keeper),
        pidfd_(std::move(pidfd)),
        readiness_(readiness),
        output_(std::move(output)),
        signals_(std::move(signals)) {}

  int run() {
    for (;;) {
      std::array<pollfd, 4> sources{{{readiness_.socket.get(), POLLIN, 0},
                                     {pidfd_.get(), POLLIN, 0},
                                     {signals_.descriptor(), POLLIN, 0},
                                     {output_.get(), POLLIN, 0}}};
      if (::poll(sources.data(), sources.size(), -1) < 0)
        return fail(base::system_error("cannot wait", errno));
      relay();
      if (is_ready()) return 0;
      while (const auto number = signals_.take()) (void)::kill(keeper_, *number);
      if (sources[1].revents != 0) return status();
    }
  }

 private:
  void relay() {
    std::array<char, 4096> bytes;
    for (;;) {
      const ssize_t size = output_ ? ::read(output_.get(), bytes.data(), bytes.size()) : -1;
      if (size > 0) {
        base::say_on_standard_error({bytes.data(), static_cast<std::size_t>(size)});
        continue;
      }
      if (size == 0) output_.reset();
      return;
    }
  }

  [[nodiscard]] bool is_ready() const {
    std::array<char, 512> text;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> space;
    iovec part{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    for (;;) {
      message.msg_control = space.data();
      message.msg_controllen = space.size();
      const ssize_t size = ::recvmsg(readiness_.socket.get(), &message, MSG_CMSG_CLOEXEC);
      if (size < 0) return false;
      const std::string_view said(text.data(), static_cast<std::size_t>(size));
      if (sender(message) == keeper_ && (said == "READY=1" || said.starts_with("READY=1\n"))) return true;
    }
  }

  static pid_t sender(msghdr& message) {
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS)
      return 0;
    ucred who{};
    std::memcpy(&who, CMSG_DATA(header), sizeof who);
    return who.pid;
  }

  [[nodiscard]] int status() {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(keeper_), &info, WEXITED) != 0)
      return fail(base::system_error("cannot learn how the keeper ended", errno));
    relay();
    return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
  }

  pid_t keeper_;
  base::UniqueFd pidfd_;
  const Readiness& readiness_;
  base::UniqueFd output_;
  base::SignalFd signals_;
};

}  // namespace

int daemonize(char** argv) {
  auto readiness = await_readiness();
  if (!readiness) return fail(readiness.error());
  auto output = base::make_pipe();
  if (!output) return fail(output.error());
  if (auto set = base::set_nonblocking(output->read_end.get()); !set) return fail(set.error());
  const pid_t keeper = ::fork();
  if (keeper < 0) return fail(base::system_error("cannot start the keeper", errno));
  if (keeper == 0) become_detached_keeper(argv, *readiness, output->write_end.get());
  output->write_end.reset();
  base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, keeper, 0U)));
  auto signals = base::SignalFd::open({SIGINT, SIGTERM, SIGHUP, SIGQUIT});
  if (!pidfd || !signals) {
    (void)::kill(keeper, SIGTERM);
    return fail(signals ? base::system_error("cannot watch the keeper", errno) : signals.error());
  }
  return Wait(keeper, std::move(pidfd), *readiness, std::move(output->read_end), std::move(*signals)).run();
}

}  // namespace gracevisor::daemon
