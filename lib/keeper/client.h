// The daemon's side of its keeper: orders as functions, answers and events as values. It blocks nowhere and
// knows no loop: whoever owns it watches fd() and calls next() until nothing is there. Of each kind of order
// one can be out; its answer has to be read before the next. Thread: the owner's.
//
// Descriptors given to an order are copied by the kernel, and stay the caller's. An order that could not be
// sent changes nothing, and none of its descriptors is kept.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "keeper/protocol.h"
#include "spawn/exit_status.h"

namespace gracevisor::keeper {

// What a row of the keeper's table begins with. The caller fills in the numbers. Unset: a text does not fit.
[[nodiscard]] std::optional<Tag> make_tag(std::string_view app, std::string_view endpoint);
// Requires: it does not live.
[[nodiscard]] spawn::ExitStatus as_status(const Ending& ending);

// -1: none. The first six are always there, and become gv-exec's (spawn/protocol.h).
struct SpawnOrder {
  Tag tag{};
  int helper = -1;  // gv-exec, O_PATH
  int in = -1;
  int out = -1;
  int err = -1;
  int plan = -1;
  int report = -1;
  int listener = -1;
  // The other ends, which the row keeps until it is reaped.
  int kept_out = -1;
  int kept_err = -1;
  int kept_report = -1;
};

// Answers.
struct Welcomed {
  Welcome facts;
  base::UniqueFd channel;  // to the other daemon of an upgrade, if there is one
};
struct ListedChild {
  std::uint32_t next = 0;
  Tag tag{};
  pid_t pid = 0;
  Ending ending{};  // `lives`, or how it ended; then only `reap` is left to do
  base::UniqueFd pidfd;
  base::UniqueFd out;
  base::UniqueFd err;
  base::UniqueFd report;
};
struct ListedName {
  std::uint32_t next = 0;
  Name name{};
  base::UniqueFd fd;
};
struct ListEnd {};
struct Started {
  pid_t pid = 0;
  base::UniqueFd pidfd;  // may be empty when descriptors are scarce: pidfd_open() gives it as safely
};
struct Reaped {
  pid_t pid = 0;
  Ending ending{};
};
struct SuccessorStarted {
  pid_t pid = 0;
  base::UniqueFd channel;
};
struct Done {
  Kind kind = Kind::none;
};
// Nothing was changed. `later`: worth trying again after a while.
struct Refused {
  Kind kind = Kind::none;
  Code code = Code::ok;
  int error = 0;  // with Code::failed
};
// Events.
struct ChildExited {
  pid_t pid = 0;
  Ending ending{};
  bool alone = false;  // nothing that came from it is left
};
struct Superseded {
  pid_t owner = 0;
};
struct DaemonEnded {
  Daemon facts{};
};
// The keeper is gone, and no further order will be carried out.
struct KeeperGone {};
// What came is no record of the protocol, or an answer that nobody waits for.
struct Nonsense {};

using Event = std::variant<Welcomed, ListedChild, ListedName, ListEnd, Started, Reaped, SuccessorStarted,
                           Done, Refused, ChildExited, Superseded, DaemonEnded, KeeperGone, Nonsense>;

class Client {
 public:
  explicit Client(base::UniqueFd socket) : socket_(std::move(socket)) {}
  // The socket that this process was started with, close-on-exec from now on, if a keeper is its parent;
  // unset if it was started by anyone else. Removes the variable.
  [[nodiscard]] static std::optional<Client> from_environment();

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  // Code EBUSY: an order of this kind is out; EAGAIN, ETOOMANYREFS, ENOBUFS, ENOMEM: later; EINVAL: a field
  // does not fit; otherwise the keeper is gone. The order is protocol.h's.
  [[nodiscard]] base::Expected<void> hello() { return simple(Kind::hello); }
  [[nodiscard]] base::Expected<void> list(std::uint32_t from);
  [[nodiscard]] base::Expected<void> spawn(const SpawnOrder& what);
  [[nodiscard]] base::Expected<void> reap(pid_t child);
  [[nodiscard]] base::Expected<void> hold(std::string_view name, int fd);
  [[nodiscard]] base::Expected<void> release(std::string_view name);
  [[nodiscard]] base::Expected<void> serving() { return simple(Kind::serving); }
  [[nodiscard]] base::Expected<void> begin_successor(int program, const std::vector<std::string_view>& words,
                                                     std::chrono::milliseconds patience);
  [[nodiscard]] base::Expected<void> end(Whom whom);
  [[nodiscard]] base::Expected<void> set_policy(std::chrono::milliseconds shutdown_timeout,
                                                std::chrono::milliseconds watchdog);
  [[nodiscard]] base::Expected<void> notify(std::string_view text);
  [[nodiscard]] base::Expected<void> alive() { return simple(Kind::alive); }
  [[nodiscard]] base::Expected<void> bye(int status);

  // What came first and was not read yet; unset: nothing for now. After KeeperGone or Nonsense the socket is
  // of no use any more.
  [[nodiscard]] std::optional<Event> next();
  // Whether the answer to such an order is still to come.
  [[nodiscard]] bool out(Kind kind) const { return out_.at(static_cast<std::size_t>(kind)) != 0; }

 private:
  [[nodiscard]] base::Expected<void> simple(Kind kind);
  [[nodiscard]] base::Expected<void> send(Record record, std::initializer_list<int> descriptors = {});

  [[nodiscard]] bool awaited(const Header& header);

  base::UniqueFd socket_;
  std::uint32_t serial_ = 0;
  static constexpr std::size_t kOrders = 16;
  std::array<std::uint32_t, kOrders> out_{};  // by kind: the serial of the one that is out; 0: none
};

}  // namespace gracevisor::keeper
