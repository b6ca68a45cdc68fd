#include "spawn/file_helper.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/sealed_file.h"
#include "spawn/helper_process.h"
#include "spawn/plan_codec.h"

namespace gracevisor::spawn {
namespace {

using base::Error;
using base::Expected;
using base::PathFailure;
using base::PathResult;
using base::UniqueFd;

struct Started {
  UniqueFd answers;
  HelperProcess helper;
};

Expected<Started> start(const Launcher& launcher, const FileRequest& request) {
  auto sealed = base::seal(encode(request), kPlanName, kMostPlan);
  if (!sealed) return std::unexpected(sealed.error());
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::fail_errno("cannot create a socket pair", errno);
  }
  UniqueFd answers(ends[0]);
  const UniqueFd theirs(ends[1]);
  auto helper = HelperProcess::start(launcher, *sealed, theirs);
  if (!helper) return std::unexpected(helper.error());
  return Started{std::move(answers), std::move(*helper)};
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
  if (!wait_to_read(started->answers.get(), patience)) {
    return failed(base::system_error("cannot open " + request.path, ETIMEDOUT), true);
  }
  started->helper.answered();
  auto received = receive(started->answers.get());
  if (!received) return failed(received.error().error, received.error().refused);
  if (gives_descriptor(request.deed) && !*received) {
    return failed({"gv-exec sent no descriptor for " + request.path, EBADF}, false);
  }
  return received;
}

}  // namespace gracevisor::spawn
