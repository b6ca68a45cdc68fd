#include "succession/client_channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "succession/client_record.h"
#include "support/descriptors.h"
#include "support/scarce.h"

namespace gracevisor::succession {
namespace {

using Given = ClientChannel::Given;
using None = ClientChannel::None;

std::pair<base::UniqueFd, base::UniqueFd> pair_of(int type) {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) == 0);
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

// The channel's two ends, and a client with its connection.
struct Fixture {
  Fixture() {
    auto [a, b] = pair_of(SOCK_SEQPACKET);
    from = std::make_unique<ClientChannel>(std::move(a));
    to = std::make_unique<ClientChannel>(std::move(b));
    std::tie(client, connection) = pair_of(SOCK_STREAM);
  }
  // As a hostile predecessor sends.
  void send(std::string_view bytes, std::span<const int> fds) const {
    std::string copy(bytes);
    iovec part{copy.data(), copy.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(fds.size_bytes());
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(fds.size_bytes());
      std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    REQUIRE(::sendmsg(from->fd(), &message, MSG_NOSIGNAL) >= 0);
  }
  void send(std::string_view bytes) const {
    const std::array<int, 1> one{connection.get()};
    send(bytes, one);
  }

  std::unique_ptr<ClientChannel> from;
  std::unique_ptr<ClientChannel> to;
  base::UniqueFd client;
  base::UniqueFd connection;
};

ClientState some_state(std::string bytes = "") {
  return {.listener = "*:80",
          .client = base::Address::tcp_loopback(base::Port(4711)),
          .preface = false,
          .served = true,
          .bytes = std::move(bytes)};
}

std::string record_of(const ClientState& state) {
  std::string record;
  REQUIRE(write_client_record(state, record).has_value());
  return record;
}

base::UniqueFd sealed_file(std::size_t size, int seals) {
  base::UniqueFd file(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(file.get(), static_cast<off_t>(size)) == 0);
  REQUIRE(::fcntl(file.get(), F_ADD_SEALS, seals) == 0);
  return file;
}

constexpr int kAllSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

// Nothing is taken for a connection, and no descriptor stays open.
void check_refused(const Fixture& f) {
  const std::size_t before = test::open_descriptors();
  auto taken = f.to->take();
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error() == None::now);
  CHECK(test::open_descriptors() == before);
}

TEST_CASE("client channel: a connection arrives with all that is known about it") {
  for (std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{100}, std::size_t{500}, ClientChannel::kMostUnserved}) {
    for (const char* text : {"127.0.0.1:1", "[2001:db8::1]:65535", "unix:/run/a.sock"}) {
      Fixture f;
      const std::size_t before = test::open_descriptors();
      {
        ClientState state = some_state(std::string(size, 'x'));
        state.client = *base::Address::parse(text);
        state.preface = size == 1;
        state.served = size == 0;
        REQUIRE(f.from->give(f.connection.get(), state) == Given::given);
        auto taken = f.to->take();
        REQUIRE(taken.has_value());
        CHECK(taken->state.listener == "*:80");
        CHECK(taken->state.client == state.client);
        CHECK(taken->state.preface == state.preface);
        CHECK(taken->state.served == state.served);
        CHECK(taken->state.bytes == state.bytes);
        CHECK(taken->family == AF_UNIX);
        CHECK((::fcntl(taken->socket.get(), F_GETFL) & O_NONBLOCK) != 0);
        CHECK((::fcntl(taken->socket.get(), F_GETFD) & FD_CLOEXEC) != 0);
        REQUIRE(::write(taken->socket.get(), "hi", 2) == 2);
        std::array<char, 3> read{};
        CHECK(::read(f.client.get(), read.data(), read.size()) == 2);
      }
      CHECK(test::open_descriptors() == before);
      CHECK(f.to->take().error() == None::now);
      CHECK_FALSE(f.to->ended());
    }
  }
}

TEST_CASE("client channel: closing what was given tells the client nothing") {
  Fixture f;
  REQUIRE(f.from->give(f.connection.get(), some_state()) == Given::given);
  f.connection.reset();
  char byte = 0;
  CHECK(::recv(f.client.get(), &byte, 1, MSG_DONTWAIT) == -1);
  CHECK(errno == EAGAIN);
  REQUIRE(f.to->take().has_value());
}

TEST_CASE("client channel: what cannot travel never does") {
  Fixture f;
  CHECK(f.from->give(f.connection.get(), some_state(std::string(ClientChannel::kMostUnserved + 1, 'x'))) ==
        Given::never);
  ClientState state = some_state();
  state.listener = std::string(129, 'l');
  CHECK(f.from->give(f.connection.get(), state) == Given::never);
  state.listener.clear();
  CHECK(f.from->give(f.connection.get(), state) == Given::never);
  state = some_state();
  state.client = base::Address();
  CHECK(f.from->give(f.connection.get(), state) == Given::never);
  CHECK(f.to->take().error() == None::now);
}

TEST_CASE("client channel: the longest names fit into a record") {
  Fixture f;
  ClientState state = some_state(std::string(300, 'x'));
  state.listener = "unix:" + std::string(107, 'l');
  state.client = *base::Address::unix_path(std::string(107, 'c'));
  REQUIRE(f.from->give(f.connection.get(), state) == Given::given);
  auto taken = f.to->take();
  REQUIRE(taken.has_value());
  CHECK(taken->state.listener == state.listener);
  CHECK(taken->state.client == state.client);
  CHECK(taken->state.bytes == state.bytes);
}

TEST_CASE("client channel: when it is full a connection goes later, and none is lost") {
  Fixture f;
  int size = 1;
  REQUIRE(::setsockopt(f.from->fd(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
  std::size_t given = 0;
  while (f.from->give(f.connection.get(), some_state()) == Given::given) ++given;
  CHECK(given > 0);
  CHECK(f.from->give(f.connection.get(), some_state()) == Given::later);
  CHECK_FALSE(f.from->ended());
  REQUIRE(f.to->take().has_value());
  CHECK(f.from->give(f.connection.get(), some_state()) == Given::given);
  for (std::size_t i = 0; i < given; ++i) CHECK(f.to->take().has_value());
  CHECK(f.to->take().error() == None::now);
}

TEST_CASE("client channel: without a descriptor for what is unserved a connection goes later") {
  Fixture f;
  test::Scarce none;
  CHECK(f.from->give(f.connection.get(), some_state(std::string(1000, 'x'))) == Given::later);
  CHECK(f.from->give(f.connection.get(), some_state()) == Given::given);
}

TEST_CASE("client channel: a receiver without descriptors hears that a connection is lost") {
  Fixture f;
  REQUIRE(f.from->give(f.connection.get(), some_state()) == Given::given);
  REQUIRE(f.from->give(f.connection.get(), some_state(std::string(1000, 'x'))) == Given::given);
  const std::size_t before = test::open_descriptors();
  {
    test::Scarce none;
    CHECK(f.to->take().error() == None::room);
  }
  {
    test::Scarce one(1);
    CHECK(f.to->take().error() == None::room);
  }
  CHECK(f.to->take().error() == None::now);
  CHECK(test::open_descriptors() == before);
}

TEST_CASE("client channel: each side notices that the other is gone, the successor after the last record") {
  Fixture f;
  REQUIRE(f.from->give(f.connection.get(), some_state()) == Given::given);
  f.from.reset();
  CHECK_FALSE(f.to->ended());
  CHECK(f.to->take().has_value());
  CHECK(f.to->take().error() == None::now);
  CHECK(f.to->ended());

  Fixture g;
  REQUIRE(g.from->give(g.connection.get(), some_state()) == Given::given);
  g.to.reset();
  CHECK(g.from->give(g.connection.get(), some_state()) == Given::never);
  CHECK(g.from->ended());
}

TEST_CASE("client channel: what is no record is closed and skipped") {
  const std::string good = record_of(some_state("abc"));
  Fixture f;
  std::vector<std::string> bad{"", "x", std::string(512, '\0'), std::string(513, 'x'),
                               std::string(4000, 'x')};
  for (std::size_t i = 0; i < good.size(); ++i) bad.push_back(good.substr(0, i));
  bad.push_back(good + "d");
  // Its mark, its lengths and its flags lie, or what should be zero is not.
  for (std::size_t at : {0U, 4U, 5U, 6U, 7U, 8U, 9U, 10U, 11U, 12U, 13U, 14U, 15U}) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 0x7f);
    bad.push_back(changed);
  }
  for (const std::string& record : bad) {
    CAPTURE(record.size());
    f.send(record);
    check_refused(f);
  }
  // The client's address is of no family, or of another length.
  std::string changed = good;
  const std::size_t family = 16 + some_state().listener.size();
  changed[family] = 77;
  f.send(changed);
  check_refused(f);
  changed[family] = AF_INET6;
  f.send(changed);
  check_refused(f);
  // What follows still arrives.
  f.send("x");
  f.send(good);
  auto taken = f.to->take();
  REQUIRE(taken.has_value());
  CHECK(taken->state.bytes == "abc");
}

TEST_CASE("client channel: a record with other descriptors than it needs is refused, and all are closed") {
  Fixture f;
  const std::string inside = record_of(some_state("abc"));
  const std::string outside = record_of(some_state(std::string(1000, 'x')));
  const int socket = f.connection.get();
  const auto file = sealed_file(1000, kAllSeals);
  const auto shorter = sealed_file(999, kAllSeals);
  const auto unsealed = sealed_file(1000, F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE);
  base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  auto pipe = base::make_pipe();
  REQUIRE(pipe.has_value());
  base::UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un nameless{.sun_family = AF_UNIX, .sun_path = {}};
  REQUIRE(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&nameless), sizeof(sa_family_t)) == 0);
  REQUIRE(::listen(listening.get(), 1) == 0);
  auto [packets, others] = pair_of(SOCK_SEQPACKET);

  using Fds = std::vector<int>;
  const std::vector<int> many(16, socket);
  for (const Fds& fds : {Fds{}, Fds{socket, socket}, Fds{socket, file.get()}, Fds{null.get()},
                         Fds{pipe->read_end.get()}, Fds{listening.get()}, Fds{packets.get()}, many}) {
    f.send(inside, fds);
    check_refused(f);
  }
  for (const Fds& fds :
       {Fds{}, Fds{socket}, Fds{file.get(), socket}, Fds{socket, shorter.get()}, Fds{socket, unsealed.get()},
        Fds{socket, null.get()}, Fds{socket, pipe->read_end.get()}, Fds{socket, socket},
        Fds{null.get(), file.get()}, Fds{socket, file.get(), file.get()}, many}) {
    f.send(outside, fds);
    check_refused(f);
  }
  const std::array<int, 2> right{socket, file.get()};
  f.send(outside, right);
  CHECK(f.to->take().has_value());
}

TEST_CASE("client channel: records without end that are none do not hold up the receiver") {
  Fixture f;
  for (int i = 0; i < 40; ++i) f.send("x");
  f.send(record_of(some_state()));
  int looks = 1;
  while (!f.to->take() && looks < 10) ++looks;
  CHECK(looks > 1);
  CHECK(looks < 10);
}

}  // namespace
}  // namespace gracevisor::succession
