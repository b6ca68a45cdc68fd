// Records that no daemon of ours would send, more than there is room for, and readers that do not read.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <random>
#include <sstream>

#include "keeper/wire.h"
#include "keeper_fixture.h"
#include "support/processes.h"
#include "support/wait.h"

namespace gracevisor::keeper::testing {
namespace {

// Sends bytes as they are, and reads the answer's header.
struct Raw {
  explicit Raw(const StandIn& daemon) : fd(daemon.client.fd()) {}
  void send(const void* bytes, std::size_t size, std::size_t descriptors = 0) const {
    base::UniqueFd null = open_null();
    std::array<int, 253> fds{};
    fds.fill(null.get());
    iovec part{const_cast<void*>(bytes), size};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptors != 0) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
      cmsghdr* rights = CMSG_FIRSTHDR(&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
      std::memcpy(CMSG_DATA(rights), fds.data(), descriptors * sizeof(int));
    }
    REQUIRE(::sendmsg(fd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
  }
  [[nodiscard]] Header answered() const {
    Packet packet;
    REQUIRE(readable(fd));
    REQUIRE(packet.receive(fd) == Packet::Got::record);
    REQUIRE(packet.size() >= sizeof(Header));
    Header header;
    std::memcpy(&header, packet.bytes(), sizeof header);
    return header;
  }
  [[nodiscard]] Code code(const void* bytes, std::size_t size, std::size_t descriptors = 0) const {
    send(bytes, size, descriptors);
    return answered().code;
  }
  [[nodiscard]] Code code(const Record& record, std::size_t descriptors = 0) const {
    return code(&record, record.header.length, descriptors);
  }
  int fd;
};

// It closes what a record brought after it has answered.
bool closes_down_to(Keeper& keeper, std::size_t open) {
  return test::wait_until([&] { return test::open_descriptors(keeper.pid()) == open; });
}

// CPU time, in clock ticks of 10 ms.
std::uint64_t ticks_of(pid_t pid) {
  const std::string stat = test::content_of("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  return user + system;
}

TEST_CASE("keeper: nonsense is refused, each record with an answer, and nothing is lost by it") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  Child child = daemon.spawn(tag("web", 1, 1), shell("sleep 60"));
  base::UniqueFd null = open_null();
  (void)daemon.ask<Done>(daemon.client.hold("control", null.get()));
  const std::size_t open = test::open_descriptors(keeper.pid());
  const Raw raw(daemon);
  const std::string long_one(5000, 'x');
  CHECK(raw.code("", 0) == Code::bad_record);
  CHECK(raw.code("x", 1) == Code::bad_record);
  CHECK(raw.code(long_one.data(), 16) == Code::bad_record);
  CHECK(raw.code(long_one.data(), 512) == Code::bad_record);
  CHECK(raw.code(long_one.data(), 513) == Code::bad_record);
  CHECK(raw.code(long_one.data(), 5000, 253) == Code::bad_record);
  CHECK(raw.code(long_one.data(), 16, 16) == Code::bad_record);
  // The answer names what was meant.
  Record record = order(Kind::reap, 77);
  raw.send(&record, record.header.length);
  const Header refused = raw.answered();
  CHECK(refused.kind == Kind::reap);
  CHECK(refused.serial == 77);
  CHECK(refused.code == Code::bad_record);
  CHECK(raw.code(order(static_cast<Kind>(40), 1)) == Code::unsupported);
  CHECK(raw.code(answer(Kind::exited, 1, Code::ok)) == Code::unsupported);
  for (const std::size_t count : {1U, 5U, 7U, 11U, 16U, 17U, 100U, 253U}) {
    record = order(Kind::spawn, 1);
    record.body.spawn.tag = tag("web", 1, 2);
    CHECK(raw.code(record, count) == Code::bad_record);
    CHECK(raw.code(order(Kind::alive, 1), count) == Code::bad_record);
    CHECK(raw.code(order(Kind::hold, 1), count) == Code::bad_record);
  }
  CHECK(closes_down_to(keeper, open));
  CHECK(daemon.children().size() == 1);
  CHECK(daemon.names().size() == 1);
  CHECK(test::alive(child.pid));
}

TEST_CASE("keeper: a storm of random records with descriptors leaves nothing open and nothing changed") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  const std::size_t open = test::open_descriptors(keeper.pid());
  const Raw raw(daemon);
  std::mt19937 random(12);  // the same in every run
  for (int i = 0; i < 3000; ++i) {
    std::array<std::uint8_t, 600> bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 3 == 0 ? random() : 0);
    const std::size_t size = random() % bytes.size();
    Header header{};
    header.version = 1;
    // All but those by which a daemon changes what becomes of itself.
    header.kind = static_cast<Kind>(random() % 8);
    header.length = static_cast<std::uint16_t>(random() % 4 == 0 ? random() : size);
    if (size >= sizeof header) std::memcpy(bytes.data(), &header, sizeof header);
    raw.send(bytes.data(), size, random() % 30);
    (void)raw.answered();
  }
  for (const ListedName& name : daemon.names()) (void)daemon.ask<Done>(daemon.client.release(name.name.text));
  CHECK(daemon.children().empty());
  CHECK(closes_down_to(keeper, open));
}

TEST_CASE("keeper: a full table of names refuses the next, and has room again after a release") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  base::UniqueFd null = open_null();
  for (std::uint32_t i = 0; i < kMostNames; ++i) {
    (void)daemon.ask<Done>(daemon.client.hold("listen/" + std::to_string(i), null.get()));
  }
  const std::size_t open = test::open_descriptors(keeper.pid());
  CHECK(daemon.refusal(daemon.client.hold("one more", null.get())) == Code::no_room);
  (void)daemon.ask<Done>(daemon.client.release("listen/500"));
  (void)daemon.ask<Done>(daemon.client.hold("one more", null.get()));
  CHECK(closes_down_to(keeper, open));
  CHECK(daemon.names().size() == kMostNames);
}

TEST_CASE("keeper: a full table of children refuses the next, and has room again after a reap") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  base::UniqueFd helper(::open("/bin/true", O_PATH | O_CLOEXEC));
  base::UniqueFd null = open_null();
  SpawnOrder order;
  order.helper = helper.get();
  order.in = order.out = order.err = order.plan = order.report = null.get();
  pid_t one = 0;
  for (std::uint32_t i = 0; i < kMostChildren; ++i) {
    order.tag = tag("web", 1, i);
    one = daemon.ask<Started>(daemon.client.spawn(order)).pid;
    CHECK(daemon.await<ChildExited>().pid == one);
  }
  order.tag = tag("web", 2, 1);
  CHECK(daemon.refusal(daemon.client.spawn(order)) == Code::no_room);
  CHECK(daemon.ask<Welcomed>(daemon.client.hello()).facts.children == kMostChildren);
  if (test::kMemoryIsOurs) CHECK(test::resident_kib(keeper.pid()) <= 1400);
  const auto rows = daemon.children();
  CHECK(rows.size() == kMostChildren);
  CHECK(rows.back().ending.how == How::exited);
  (void)daemon.ask<Reaped>(daemon.client.reap(one));
  (void)daemon.ask<Started>(daemon.client.spawn(order));
}

TEST_CASE("keeper: without a descriptor left it refuses what brings more, and goes on") {
  // Of its 40 some are its own.
  Keeper keeper({}, {}, 40);
  StandIn daemon = keeper.serving();
  base::UniqueFd null = open_null();
  Code code = Code::ok;
  int held = 0;
  while (code == Code::ok && held < 50) {
    REQUIRE(daemon.client.hold("listen/" + std::to_string(held), null.get()));
    while (daemon.client.out(Kind::hold)) {
      auto event = daemon.client.next();
      if (!event) REQUIRE(readable(daemon.client.fd()));
      const auto* refused = event ? std::get_if<Refused>(&*event) : nullptr;
      if (refused != nullptr) code = refused->code;
    }
    ++held;
  }
  CHECK(code == Code::no_room);
  CHECK(held > 20);
  CHECK(daemon.refusal(daemon.client.spawn(daemon.order_of(tag("web", 1, 1), shell("")))) == Code::no_room);
  for (int i = 0; i < 25; ++i) (void)daemon.ask<Done>(daemon.client.release("listen/" + std::to_string(i)));
  Child child = daemon.spawn(tag("web", 1, 1), shell("exit 4"));
  CHECK(daemon.await<ChildExited>().ending.number == 4);
}

TEST_CASE("keeper: a daemon that does not read delays itself alone, and loses nothing") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  constexpr std::uint32_t kChildren = 300;
  std::vector<Child> children;
  for (std::uint32_t i = 0; i < kChildren; ++i) {
    children.push_back(daemon.spawn(tag("web", 1, i), shell("read line; exit 9")));
  }
  // Orders whose answers nobody reads, until the keeper reads no more of them either.
  std::uint32_t sent = 0;
  const auto more = [&] {
    pollfd room{daemon.client.fd(), POLLOUT, 0};
    return ::poll(&room, 1, 200) == 1;
  };
  while (more()) {
    while (send_record(daemon.client.fd(), order(Kind::alive, sent + 1), nullptr, 0) == 0) ++sent;
  }
  CHECK(sent > 300);
  const std::uint64_t spent = ticks_of(keeper.pid());
  CHECK_FALSE(more());
  CHECK(ticks_of(keeper.pid()) - spent <= 5);  // of 20
  // It still hears what it has to.
  REQUIRE(::kill(keeper.pid(), SIGHUP) == 0);
  CHECK(daemon.signal() == SIGHUP);

  const Raw raw(daemon);
  for (std::uint32_t i = 1; i <= sent; ++i) {
    const Header answer = raw.answered();
    if (is_event(answer.kind)) {
      --i;
    } else {
      REQUIRE(answer.serial == i);
    }
  }
  CHECK(daemon.children().size() == kChildren);
}

TEST_CASE("keeper: ends that could not be told are told when there is room") {
  Keeper keeper;
  StandIn daemon = keeper.serving();
  base::UniqueFd helper(::open("/bin/cat", O_PATH | O_CLOEXEC));
  base::UniqueFd null = open_null();
  auto gate = base::make_pipe();
  SpawnOrder order;
  order.helper = helper.get();
  order.in = gate->read_end.get();
  order.out = order.err = order.plan = order.report = null.get();
  constexpr std::uint32_t kChildren = 600;  // more than a socket holds
  std::vector<base::UniqueFd> pidfds;
  for (std::uint32_t i = 0; i < kChildren; ++i) {
    order.tag = tag("web", 1, i);
    pidfds.push_back(daemon.ask<Started>(daemon.client.spawn(order)).pidfd);
  }
  // They all end while nobody reads.
  gate->write_end.reset();
  for (const base::UniqueFd& pidfd : pidfds) REQUIRE(readable(pidfd.get()));
  REQUIRE(test::wait_until([&] {
    const std::string status = test::content_of("/proc/" + std::to_string(keeper.pid()) + "/status");
    return status.find("State:\tS") != std::string::npos &&
           status.find("ShdPnd:\t0000000000000000\n") != std::string::npos;
  }));
  for (std::uint32_t i = 0; i < kChildren; ++i) CHECK(daemon.await<ChildExited>().ending.how == How::exited);
  CHECK(daemon.children().size() == kChildren);
}

}  // namespace
}  // namespace gracevisor::keeper::testing
