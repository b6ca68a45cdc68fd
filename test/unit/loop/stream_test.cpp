#include "loop/stream.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <thread>

#include "stream_fixture.h"
#include "support/loop/quiet.h"

using namespace gracevisor;
using namespace gracevisor::test;
using loop::Stream;
using loop::WriteResult;

namespace {

constexpr Kind kBoth[] = {Kind::tcp, Kind::unix_socket};

// More than the sockets take at once (the fixture limits their buffers).
std::string a_megabyte() {
  std::string bytes;
  for (std::size_t i = 0; bytes.size() < 1U << 20; ++i) bytes += std::to_string(i) + ",";
  return bytes;
}

}  // namespace

TEST_CASE("stream: bytes go both ways over TCP and Unix sockets") {
  for (Kind kind : kBoth) {
    StreamFixture f;
    f.connect(kind);
    REQUIRE(f.stream.start_reading().has_value());
    CHECK(f.stream.reading());
    send_all(f.peer.get(), "hello");
    REQUIRE(f.until([&] { return f.seen.bytes == "hello"; }));
    std::array<std::string_view, 4> pieces{"wor", "", "l", "d"};
    CHECK(f.stream.write(pieces) == WriteResult::done);
    CHECK(f.stream.write("") == WriteResult::done);
    CHECK(receive(f.peer.get(), 5) == "world");
    CHECK(f.seen.events.empty());
  }
}

TEST_CASE("stream: what the socket does not take is queued, kept in order, and its end is told once") {
  for (Kind kind : kBoth) {
    StreamFixture f;
    f.connect(kind);
    std::string expected = a_megabyte();
    {
      // The pieces are gone before the queue is written.
      std::string first = expected.substr(0, expected.size() / 2);
      std::string second = expected.substr(first.size());
      std::array<std::string_view, 2> pieces{std::string_view(first).substr(0, 10),
                                             std::string_view(first).substr(10)};
      CHECK(f.stream.write(pieces) == WriteResult::queued);
      CHECK(f.stream.queued() > 0);
      CHECK(f.stream.write(second) == WriteResult::queued);
      CHECK(f.stream.write("") == WriteResult::queued);
    }
    std::string got;
    std::thread reader([&] { got = receive(f.peer.get(), expected.size()); });
    bool drained = f.until([&] { return f.seen.count("drained") > 0; });
    if (!drained) (void)::shutdown(f.peer.get(), SHUT_RDWR);
    reader.join();
    REQUIRE(drained);
    CHECK(got == expected);
    CHECK(f.stream.queued() == 0);
    f.loop->run_once(false);
    CHECK(f.seen.events == std::vector<std::string>{"drained"});
    CHECK(f.stream.write("x") == WriteResult::done);
  }
}

TEST_CASE("stream: stopped reading leaves bytes with the peer, started reading fetches them") {
  StreamFixture f;
  f.connect(Kind::tcp);
  REQUIRE(f.stream.start_reading().has_value());
  REQUIRE(f.stream.start_reading().has_value());
  send_all(f.peer.get(), "1");
  REQUIRE(f.until([&] { return f.seen.bytes == "1"; }));
  f.stream.stop_reading();
  f.stream.stop_reading();
  CHECK_FALSE(f.stream.reading());
  send_all(f.peer.get(), "2");
  for (int i = 0; i < 10; ++i) f.loop->run_once(false);
  CHECK(f.seen.bytes == "1");
  REQUIRE(f.stream.start_reading().has_value());
  REQUIRE(f.until([&] { return f.seen.bytes == "12"; }));
}

TEST_CASE("stream: back-pressure stops a peer that sends without end") {
  StreamFixture f;
  f.connect(Kind::tcp);
  f.seen.react = [&] { f.stream.stop_reading(); };
  REQUIRE(f.stream.start_reading().has_value());
  REQUIRE(::fcntl(f.peer.get(), F_SETFL, O_NONBLOCK) == 0);
  std::string chunk(65536, 'x');
  std::size_t sent = 0;
  // The kernel's buffers fill up and then the peer is refused; the stream took one buffer's worth at most.
  REQUIRE(f.until([&] {
    ssize_t n = ::send(f.peer.get(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<std::size_t>(n);
    return n < 0 && !f.seen.bytes.empty();
  }));
  CHECK(f.seen.bytes.size() <= f.loop->read_buffer().size());
  CHECK(sent > f.seen.bytes.size());
}

TEST_CASE("stream: the peer's end is told, and our side still writes") {
  for (Kind kind : kBoth) {
    StreamFixture f;
    f.connect(kind);
    REQUIRE(f.stream.start_reading().has_value());
    send_all(f.peer.get(), "request");
    REQUIRE(::shutdown(f.peer.get(), SHUT_WR) == 0);
    REQUIRE(f.until([&] { return f.seen.count("end") == 1; }));
    CHECK(f.seen.bytes == "request");
    CHECK_FALSE(f.stream.reading());
    CHECK(f.stream.write("response") == WriteResult::done);
    CHECK(receive(f.peer.get(), 8) == "response");
  }
}

TEST_CASE("stream: finished writing sends the queue, then the end, and reading goes on") {
  for (Kind kind : kBoth) {
    StreamFixture f;
    f.connect(kind);
    REQUIRE(f.stream.start_reading().has_value());
    std::string expected = a_megabyte();
    CHECK(f.stream.write(expected) == WriteResult::queued);
    f.stream.finish_writing();
    f.stream.finish_writing();
    std::string got;
    int end = 1;
    std::thread reader([&] {
      got = receive(f.peer.get(), expected.size());
      end = read_result(f.peer.get());
    });
    bool drained = f.until([&] { return f.seen.count("drained") == 1; });
    if (!drained) (void)::shutdown(f.peer.get(), SHUT_RDWR);
    // The FIN follows in a later turn.
    (void)f.until([&, turns = 0]() mutable { return ++turns > 20; });
    reader.join();
    REQUIRE(drained);
    CHECK(got == expected);
    CHECK(end == 0);
    send_all(f.peer.get(), "late");
    REQUIRE(f.until([&] { return f.seen.bytes == "late"; }));
  }
}

TEST_CASE("stream: a reset from the peer is told once as broken") {
  StreamFixture f;
  f.connect(Kind::tcp);
  REQUIRE(f.stream.start_reading().has_value());
  linger abort{.l_onoff = 1, .l_linger = 0};
  REQUIRE(::setsockopt(f.peer.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort) == 0);
  f.peer.reset();
  REQUIRE(f.until([&] { return !f.seen.events.empty(); }));
  CHECK(f.seen.events == std::vector<std::string>{"broken"});
  CHECK(f.seen.error == ECONNRESET);
  CHECK(f.stream.write("x") == WriteResult::broken);
}

TEST_CASE("stream: reading and writing that break in the same turn are told once") {
  StreamFixture f;
  f.connect(Kind::tcp);
  REQUIRE(f.stream.start_reading().has_value());
  CHECK(f.stream.write(a_megabyte()) == WriteResult::queued);
  linger abort{.l_onoff = 1, .l_linger = 0};
  REQUIRE(::setsockopt(f.peer.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort) == 0);
  f.peer.reset();
  REQUIRE(f.until([&] { return !f.seen.events.empty(); }));
  for (int i = 0; i < 20; ++i) f.loop->run_once(false);
  CHECK(f.seen.events == std::vector<std::string>{"broken"});
}

TEST_CASE(
    "stream: our reset reaches a TCP peer as one, a finished stream and a Unix peer as an end or reset") {
  {
    StreamFixture f;
    f.connect(Kind::tcp);
    f.stream.reset();
    CHECK(read_result(f.peer.get()) == -ECONNRESET);
  }
  {
    StreamFixture f;
    f.connect(Kind::tcp);
    f.stream.finish_writing();
    f.stream.reset();
    CHECK(read_result(f.peer.get()) <= 0);
  }
  StreamFixture f;
  f.connect(Kind::unix_socket);
  f.stream.reset();
  CHECK(read_result(f.peer.get()) == 0);
}

TEST_CASE("stream: destruction closes the descriptor at once and calls nobody afterwards") {
  for (Kind kind : kBoth) {
    StreamFixture f;
    f.connect(kind);
    REQUIRE(f.stream.start_reading().has_value());
    CHECK(f.stream.write(a_megabyte()) == WriteResult::queued);
    f.stream.finish_writing();
    send_all(f.peer.get(), "unread");
    int descriptor = f.stream.descriptor();
    CHECK(::fcntl(descriptor, F_GETFD) >= 0);
    f.stream.close();
    CHECK(::fcntl(descriptor, F_GETFD) == -1);
    for (int i = 0; i < 20; ++i) f.loop->run_once(false);
    CHECK(f.seen.events.empty());
    CHECK(f.seen.bytes.empty());
  }
}

TEST_CASE("stream: it may be destroyed in each of its callbacks") {
  for (Kind kind : kBoth) {
    for (const char* event : {"bytes", "end", "drained"}) {
      CAPTURE(event);
      StreamFixture f;
      f.connect(kind);
      int calls = 0;
      f.seen.react = [&] {
        ++calls;
        f.stream.close();
      };
      if (event == std::string("drained")) {
        CHECK(f.stream.write(a_megabyte()) == WriteResult::queued);
        std::thread reader([&] { (void)receive(f.peer.get(), 1U << 20); });
        bool called = f.until([&] { return calls == 1; });
        f.stream.close();
        reader.join();
        CHECK(called);
      } else {
        REQUIRE(f.stream.start_reading().has_value());
        if (event == std::string("bytes")) send_all(f.peer.get(), "bytes");
        REQUIRE(::shutdown(f.peer.get(), SHUT_WR) == 0);
        CHECK(f.until([&] { return calls == 1; }));
      }
      for (int i = 0; i < 5; ++i) f.loop->run_once(false);
      CHECK(calls == 1);
    }
  }
}

TEST_CASE("stream: closed while another descriptor of its socket is open, it tells the peer nothing") {
  for (Kind kind : kBoth) {
    StreamFixture f;
    f.connect(kind);
    REQUIRE(f.stream.start_reading().has_value());
    auto other = base::duplicate(f.stream.descriptor());
    REQUIRE(other.has_value());
    send_all(f.peer.get(), "before");
    f.stream.close();
    send_all(f.peer.get(), "after");
    // The loop frees the handle, and is not woken by what came.
    f.loop->run_once(false);
    f.loop->run_once(false);
    CHECK_FALSE(has_work(*f.loop));
    CHECK(f.seen.bytes.empty());
    CHECK(f.seen.events.empty());
    char byte = 0;
    CHECK(::recv(f.peer.get(), &byte, 1, MSG_DONTWAIT) == -1);
    CHECK(errno == EAGAIN);
    CHECK(receive(other->get(), 11) == "beforeafter");
    send_all(other->get(), "goes on");
    CHECK(receive(f.peer.get(), 7) == "goes on");
  }
}

TEST_CASE("stream: it changes hands without losing a byte") {
  StreamFixture f;
  f.connect(Kind::tcp);
  Recorder next;
  REQUIRE(f.stream.start_reading().has_value());
  send_all(f.peer.get(), "old");
  REQUIRE(f.until([&] { return f.seen.bytes == "old"; }));
  f.stream.observe_with(next);
  send_all(f.peer.get(), "new");
  REQUIRE(f.until([&] { return next.bytes == "new"; }));
  CHECK(f.seen.bytes == "old");
}

TEST_CASE("stream: what is no descriptor is not adopted, and the stream can be opened afterwards") {
  StreamFixture f;
  CHECK_FALSE(f.stream.adopt(*f.loop, base::UniqueFd(), AF_INET).has_value());
  CHECK_FALSE(f.stream.open());
  f.connect(Kind::tcp);
  CHECK(f.stream.open());
  CHECK(f.stream.write("x") == WriteResult::done);
  CHECK(receive(f.peer.get(), 1) == "x");
}

TEST_CASE("stream: it may be opened again in the callback in which it was closed") {
  StreamFixture f;
  f.connect(Kind::tcp);
  base::UniqueFd first = std::move(f.peer);
  f.seen.react = [&] {
    f.seen.react = {};
    CHECK(f.stream.write(a_megabyte()) == WriteResult::queued);  // what is left undone does not follow it
    f.stream.close();
    CHECK(f.stream.queued() == 0);
    f.connect(Kind::tcp);
    REQUIRE(f.stream.start_reading().has_value());
  };
  REQUIRE(f.stream.start_reading().has_value());
  send_all(first.get(), "first");
  REQUIRE(f.until([&] { return f.seen.bytes == "first"; }));
  send_all(f.peer.get(), "second");
  REQUIRE(f.until([&] { return f.seen.bytes == "firstsecond"; }));
  CHECK(f.seen.events.empty());
}

TEST_CASE("stream: a reset is one even while the end of writing waits behind what is queued") {
  StreamFixture f;
  f.connect(Kind::tcp);
  std::string all = a_megabyte();
  REQUIRE(f.stream.write(all) == WriteResult::queued);
  f.stream.finish_writing();
  f.stream.reset();
  f.stream.close();
  f.loop->run_once(false);
  std::array<char, 65536> space;
  ssize_t got = 1;
  while (got > 0) got = ::recv(f.peer.get(), space.data(), space.size(), 0);
  CHECK(got == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("stream: a reset that a write came upon is told when reading comes to the end") {
  StreamFixture f;
  f.connect(Kind::tcp);
  send_all(f.peer.get(), "some of it");
  linger at_once{.l_onoff = 1, .l_linger = 0};
  REQUIRE(::setsockopt(f.peer.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  f.peer.reset();
  WriteResult result = WriteResult::done;
  for (int i = 0; i < 1000 && result != WriteResult::broken; ++i) result = f.stream.write("x");
  REQUIRE(result == WriteResult::broken);
  REQUIRE(f.stream.start_reading().has_value());
  REQUIRE(f.until([&] { return !f.seen.events.empty(); }));
  CHECK(f.seen.bytes == "some of it");
  CHECK(f.seen.events == std::vector<std::string>{"broken"});
  CHECK(f.seen.error == ECONNRESET);
}

TEST_CASE("stream: after a failed write what came before is still read, and its end told") {
  StreamFixture f;
  f.connect(Kind::unix_socket);
  REQUIRE(f.stream.write(a_megabyte()) == WriteResult::queued);
  send_all(f.peer.get(), "last words");
  f.peer.reset();  // with bytes unread: a reset
  REQUIRE(f.until([&] { return f.seen.count("broken") == 1; }));
  CHECK(f.seen.bytes.empty());
  REQUIRE(f.stream.start_reading().has_value());
  REQUIRE(f.until([&] { return f.seen.events.size() == 2; }));
  CHECK(f.seen.bytes == "last words");
  CHECK(f.seen.events == std::vector<std::string>{"broken", "broken"});
  CHECK(f.seen.error == ECONNRESET);
}
