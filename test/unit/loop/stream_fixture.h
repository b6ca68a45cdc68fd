// A loop, a connected pair of sockets (ours as a Stream, the peer's raw and blocking), and an observer that
// writes down what it was told.
#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "loop/stream.h"
#include "support/run_until.h"

namespace gracevisor::test {

struct Recorder final : loop::StreamObserver {
  void on_connected() override { note("connected"); }
  void on_bytes(std::string_view more) override {
    bytes += more;
    note("");
  }
  void on_end() override { note("end"); }
  void on_broken(int code) override {
    error = code;
    note("broken");
  }
  void on_drained() override { note("drained"); }

  [[nodiscard]] std::size_t count(const std::string& event) const {
    return static_cast<std::size_t>(std::count(events.begin(), events.end(), event));
  }

  std::string bytes;
  std::vector<std::string> events;  // all but bytes
  int error = 0;
  std::function<void()> react;  // runs in every callback, after it is noted

 private:
  void note(const std::string& event) {
    if (!event.empty()) events.push_back(event);
    // A copy: it may destroy its stream and more.
    auto now = react;
    if (now) now();
  }
};

enum class Kind { tcp, unix_socket };

struct Sockets {
  base::UniqueFd ours;  // non-blocking
  base::UniqueFd peer;
};
[[nodiscard]] Sockets connected_sockets(Kind kind);

struct Listening {
  base::UniqueFd fd;
  base::Address address;
};
// On 127.0.0.1, blocking.
[[nodiscard]] Listening listen_on_loopback(int backlog = 16);

// Blocking helpers for the peer's end.
void send_all(int fd, std::string_view bytes);
// Exactly `count` bytes, or fewer if the other end finished or broke.
[[nodiscard]] std::string receive(int fd, std::size_t count);
// What a read gives next: 1 a byte, 0 the end, otherwise -errno.
[[nodiscard]] int read_result(int fd);

class StreamFixture {
 public:
  StreamFixture() : loop(std::move(*loop::Loop::create())) {}
  // Closes what is left and checks that no handle leaked.
  ~StreamFixture() {
    stream.close();
    CHECK(loop->close() == 0);
  }
  StreamFixture(const StreamFixture&) = delete;
  StreamFixture& operator=(const StreamFixture&) = delete;

  void connect(Kind kind) {
    Sockets sockets = connected_sockets(kind);
    peer = std::move(sockets.peer);
    REQUIRE(stream.adopt(*loop, std::move(sockets.ours), kind == Kind::tcp ? AF_INET : AF_UNIX).has_value());
  }
  template <class Condition>
  [[nodiscard]] bool until(Condition condition) {
    return run_until(*loop, condition);
  }

  std::unique_ptr<loop::Loop> loop;
  Recorder seen;
  loop::Stream stream{seen};
  base::UniqueFd peer;
};

}  // namespace gracevisor::test
