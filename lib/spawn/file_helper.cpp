#include "spawn/file_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/sealed_file.h"
#include "spawn/plan_codec.h"
#include "spawn/protocol.h"

namespace gracevisor::spawn {
namespace {

using base::Error;
using base::Expected;
using base::PathFailure;
using base::PathResult;
using base::UniqueFd;

// Reaped here, or by the code that collects the daemon's orphans: by descriptor, because the pid may then
// belong to another process.
class Helper {
 public:
  explicit Helper(pid_t pid) : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))) {}
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;
  void answered() { answered_ = true; }
  ~Helper() {
    // It has answered and is ending, or it must be ended: signalling one that has ended does nothing. One
    // that did not answer may be stuck in the kernel: it is not waited for, and is reaped like an orphan.
    const int how = answered_ && pidfd_ ? WEXITED : WEXITED | WNOHANG;
    if (pidfd_) (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0U);
    siginfo_t info{};
    constexpr auto kByPidfd = static_cast<idtype_t>(3);  // P_PIDFD
    int r = 0;
    do {
      r = pidfd_ ? ::waitid(kByPidfd, static_cast<id_t>(pidfd_.get()), &info, how)
                 : ::waitid(P_PID, static_cast<id_t>(pid_), &info, how);
    } while (r != 0 && errno == EINTR);
  }

 private:
  pid_t pid_;
  UniqueFd pidfd_;
  bool answered_ = false;
};

Expected<UniqueFd> high(int fd) {
  return base::duplicate(fd, kLowestSource);
}

struct Started {
  UniqueFd answers;
  pid_t pid = 0;
};

Expected<Started> start(const Launcher& launcher, const FileRequest& request) {
  auto sealed = base::seal(encode(request), kPlanName, kMostPlan);
  if (!sealed) return std::unexpected(sealed.error());
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::fail_errno("cannot create a socket pair", errno);
  }
  UniqueFd answers(ends[0]);
  UniqueFd theirs(ends[1]);
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return base::fail_errno("cannot open /dev/null", errno);
  HelperFds fds;
  for (auto [to, from] : {std::pair(&fds.in, &null), std::pair(&fds.out, &null), std::pair(&fds.err, &null),
                          std::pair(&fds.plan, &*sealed), std::pair(&fds.report, &theirs)}) {
    auto copy = high(from->get());
    if (!copy) return std::unexpected(copy.error());
    *to = std::move(*copy);
  }
  auto pid = launcher.start(fds);
  if (!pid) return base::fail_errno("cannot start gv-exec", pid.error().code);
  return Started{std::move(answers), *pid};
}

// The descriptor that came with the packet, close-on-exec.
UniqueFd descriptor_in(msghdr& message) {
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  bool one = header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
             header->cmsg_len == CMSG_LEN(sizeof(int));
  if (!one) return {};
  int number = -1;
  std::memcpy(&number, CMSG_DATA(header), sizeof number);
  return UniqueFd(number);
}

bool wait_for(int fd, std::chrono::milliseconds patience) {
  auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() < 0) return false;
    pollfd waited{fd, POLLIN, 0};
    int r = ::poll(&waited, 1, static_cast<int>(left.count()) + 1);
    if (r > 0) return true;
    if (r < 0 && errno != EINTR) return false;
  }
}

PathResult<UniqueFd> receive(int fd) {
  std::array<char, FileAnswer::kMostText + 64> text{};
  iovec part{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = space.data();
  message.msg_controllen = space.size();
  ssize_t n = 0;
  do {
    n = ::recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return std::unexpected(PathFailure{base::system_error("no answer from gv-exec", errno), false});
  UniqueFd given = descriptor_in(message);
  if (n == 0) return std::unexpected(PathFailure{Error{"gv-exec died without an answer", EPIPE}, false});
  auto answer = decode_file_answer(std::string_view(text.data(), static_cast<std::size_t>(n)));
  if (!answer) return std::unexpected(PathFailure{answer.error(), false});
  if (answer->code != 0 || !answer->text.empty()) {
    return std::unexpected(PathFailure{Error{answer->text, answer->code}, answer->refused != 0});
  }
  return given;
}

}  // namespace

PathResult<UniqueFd> do_as_user(const Launcher& launcher, const FileRequest& request,
                                std::chrono::milliseconds patience) {
  std::string user = request.who.name.empty() ? "uid " + std::to_string(request.who.uid) : request.who.name;
  auto failed = [&](const Error& error, bool refused) {
    Error whole{error.what + " (with the rights of " + user + ", who can change what is there)", error.code};
    return std::unexpected(PathFailure{std::move(whole), refused});
  };
  auto started = start(launcher, request);
  if (!started) return failed(started.error(), false);
  Helper helper(started->pid);
  if (!wait_for(started->answers.get(), patience)) {
    return failed(base::system_error("cannot open " + request.path, ETIMEDOUT), true);
  }
  helper.answered();
  auto received = receive(started->answers.get());
  if (!received) return failed(received.error().error, received.error().refused);
  if (gives_descriptor(request.deed) && !*received) {
    return failed({"gv-exec sent no descriptor for " + request.path, EBADF}, false);
  }
  return received;
}

}  // namespace gracevisor::spawn
