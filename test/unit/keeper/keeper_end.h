// A keeper that the test plays: its end of a daemon's socket, and a loop for the daemon's. Thread: the
// test's.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include "keeper/client.h"
#include "keeper/wire.h"
#include "loop/loop.h"
#include "support/run_until.h"

namespace gracevisor::keeper::testing {

class KeeperEnd {
 public:
  KeeperEnd() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    daemon_ = base::UniqueFd(ends[0]);
    socket_ = base::UniqueFd(ends[1]);
    loop_ = std::move(*loop::Loop::create());
  }
  KeeperEnd(const KeeperEnd&) = delete;
  KeeperEnd& operator=(const KeeperEnd&) = delete;
  ~KeeperEnd() { CHECK(loop_->close() == 0); }

  [[nodiscard]] loop::Loop& loop() { return *loop_; }
  // The daemon's end; once.
  [[nodiscard]] Client client() { return Client(std::move(daemon_)); }
  template <class Done>
  [[nodiscard]] bool until(Done done) {
    return test::run_until(*loop_, done);
  }

  // The next order, which has to come; its descriptors stay in packet().
  Record take() {
    Record record;
    Packet::Got got = Packet::Got::nothing;
    REQUIRE(until([&] {
      got = packet_.receive(socket_.get());
      return got != Packet::Got::nothing;
    }));
    REQUIRE(got == Packet::Got::record);
    REQUIRE(read_order(packet_.bytes(), packet_.size(), packet_.descriptors(), record) == Code::ok);
    return record;
  }
  [[nodiscard]] Packet& packet() { return packet_; }
  // Does nothing come, although the loop has turned?
  [[nodiscard]] bool silent() {
    for (int i = 0; i < 5; ++i) loop_->run_once(false);
    Packet more;
    return more.receive(socket_.get()) == Packet::Got::nothing;
  }
  void send(const Record& record, std::initializer_list<int> fds = {}) const {
    REQUIRE(send_record(socket_.get(), record, fds.begin(), fds.size()) == 0);
  }
  void refuse(const Record& asked, Code code, int error = 0) const {
    send(answer(asked.header.kind, asked.header.serial, code, error));
  }
  void accept(const Record& asked) const { refuse(asked, Code::ok); }
  void tell_exit(pid_t pid, Ending ending, std::uint32_t alone = 0) const {
    Record event = answer(Kind::exited, 0, Code::ok);
    event.body.exit = {pid, ending, alone};
    send(event);
  }
  void die() { socket_.reset(); }

 private:
  base::UniqueFd daemon_;
  base::UniqueFd socket_;
  std::unique_ptr<loop::Loop> loop_;
  Packet packet_;
};

}  // namespace gracevisor::keeper::testing
