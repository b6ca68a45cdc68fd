#include "inspect/listener_owner.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/address.h"
#include "base/unique_fd.h"
#include "inspect/socket_holders.h"
#include "inspect/tcp_listeners.h"
#include "inspect/unix_listeners.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::decide;
using namespace gracevisor::inspect;
using base::Pid;
using base::Port;

namespace {

struct Socket {
  base::UniqueFd fd;
  Port port;
};

// Listens on HOST:PORT, or on "unix:PATH"; a wildcard "[::]" takes IPv6 alone, "*" both.
Socket listen_on(const std::string& host, Port port = Port(0), bool share = false) {
  bool path = host.starts_with("unix:");
  auto address = base::Address::parse(path ? host : host + ":" + std::to_string(port.value()));
  if (!address) return {};
  base::UniqueFd fd(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  int v6_only = address->dual_stack() ? 0 : 1;
  if (address->family() == AF_INET6 &&
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof v6_only) != 0) {
    return {};
  }
  int on = 1;
  if (share && ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return {};
  if (::bind(fd.get(), address->get(), address->length()) != 0 || ::listen(fd.get(), 1) != 0) return {};
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &length) != 0) return {};
  return {std::move(fd),
          base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound), length).port()};
}

enum class Listens { nowhere, itself, child, child_in_own_session, orphan };

// A process that leads a session, as an instance does; ends with its object, its descendants too.
class Instance {
 public:
  explicit Instance(Listens who, const std::string& host = "127.0.0.1", Port port = Port(0),
                    bool share = false) {
    auto life = base::make_pipe();
    auto report = base::make_pipe();
    REQUIRE(life.has_value());
    REQUIRE(report.has_value());
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      life->write_end.reset();
      (void)::setsid();
      live(who, host, port, share, life->read_end.get(), report->write_end.get());
      ::_exit(0);
    }
    life_ = std::move(life->write_end);
    std::uint16_t told = 0;
    REQUIRE(::read(report->read_end.get(), &told, sizeof told) == sizeof told);
    port_ = Port(told);
  }
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() {
    life_.reset();
    (void)::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] Pid pid() const { return Pid(pid_); }
  [[nodiscard]] Port port() const { return port_; }

 private:
  static void wait_for_end(int life) {
    char byte = 0;
    (void)!::read(life, &byte, 1);
  }

  static void listen_and_tell(const std::string& host, Port port, bool share, int life, int report) {
    Socket socket = listen_on(host, port, share);
    std::uint16_t told = socket.port.value();
    (void)!::write(report, &told, sizeof told);
    wait_for_end(life);
  }

  static void live(Listens who, const std::string& host, Port port, bool share, int life, int report) {
    if (who == Listens::nowhere) {
      std::uint16_t none = 0;
      (void)!::write(report, &none, sizeof none);
    } else if (who == Listens::itself) {
      listen_and_tell(host, port, share, life, report);
    } else if (pid_t child = ::fork(); child == 0) {
      if (who == Listens::child_in_own_session) (void)::setsid();
      // An orphan: its parent is gone, the session stays.
      if (who == Listens::orphan && ::fork() != 0) ::_exit(0);
      listen_and_tell(host, port, share, life, report);
      ::_exit(0);
    } else if (who == Listens::orphan) {
      (void)::waitpid(child, nullptr, 0);
    }
    wait_for_end(life);
  }

  pid_t pid_ = -1;
  base::UniqueFd life_;
  Port port_;
};

bool has_ipv6() {
  return static_cast<bool>(listen_on("[::1]").fd);
}

std::string text(const char* host, Port port) {
  return std::string(host) + ":" + std::to_string(port.value());
}

}  // namespace

TEST_CASE("listener owner: the instance itself, a child, a child with its own session, an orphan are own") {
  for (Listens who : {Listens::itself, Listens::child, Listens::child_in_own_session, Listens::orphan}) {
    CAPTURE(static_cast<int>(who));
    Instance instance(who);
    REQUIRE(instance.port() != Port(0));
    auto owner = find_listener_owner(instance.port(), instance.pid());
    CHECK(owner.ownership == Ownership::own);
    CHECK(owner.elsewhere.empty());
  }
}

TEST_CASE("listener owner: wildcard addresses are reachable, the IPv6 one only with both families") {
  CHECK([] {
    Instance instance(Listens::itself, "0.0.0.0");
    return find_listener_owner(instance.port(), instance.pid()).ownership;
  }() == Ownership::own);
  if (!has_ipv6()) return;
  Instance both(Listens::itself, "*");
  CHECK(find_listener_owner(both.port(), both.pid()).ownership == Ownership::own);
  Instance six(Listens::itself, "[::]");
  auto owner = find_listener_owner(six.port(), six.pid());
  CHECK(owner.ownership == Ownership::nobody);
  CHECK(owner.elsewhere == std::vector{text("[::]", six.port())});
}

TEST_CASE("listener owner: a stranger is named with pid and program") {
  Instance instance(Listens::nowhere);
  Instance stranger(Listens::itself);
  auto owner = find_listener_owner(stranger.port(), instance.pid());
  CHECK(owner.ownership == Ownership::foreign);
  std::string begin = "port " + std::to_string(stranger.port().value()) + " is held by pid " +
                      std::to_string(stranger.pid().value()) + " (";
  CHECK(owner.detail.starts_with(begin));
  CHECK(owner.detail.ends_with(")"));
  CHECK(owner.elsewhere.empty());
}

TEST_CASE("listener owner: a port that a stranger shares is not the instance's alone") {
  Instance instance(Listens::itself, "127.0.0.1", Port(0), true);
  REQUIRE(instance.port() != Port(0));
  CHECK(find_listener_owner(instance.port(), instance.pid()).ownership == Ownership::own);
  Instance stranger(Listens::itself, "127.0.0.1", instance.port(), true);
  REQUIRE(stranger.port() == instance.port());
  auto owner = find_listener_owner(instance.port(), instance.pid());
  CHECK(owner.ownership == Ownership::foreign);
  CHECK(owner.detail.find("pid " + std::to_string(stranger.pid().value())) != std::string::npos);
}

TEST_CASE("listener owner: a less specific stranger beside the instance's own address does not matter") {
  Instance stranger(Listens::itself, "0.0.0.0", Port(0), true);
  Instance instance(Listens::itself, "127.0.0.1", stranger.port(), true);
  REQUIRE(instance.port() == stranger.port());
  CHECK(find_listener_owner(instance.port(), instance.pid()).ownership == Ownership::own);
  // The other way round every connection to 127.0.0.1 goes to the stranger.
  CHECK(find_listener_owner(instance.port(), stranger.pid()).ownership == Ownership::foreign);
}

TEST_CASE("listener owner: when nobody listens on the port, it tells where the instance does") {
  Instance instance(Listens::child, "127.0.0.1");
  Port wanted = [] { return listen_on("127.0.0.1").port; }();
  auto owner = find_listener_owner(wanted, instance.pid());
  CHECK(owner.ownership == Ownership::nobody);
  CHECK(owner.elsewhere == std::vector{text("127.0.0.1", instance.port())});
  CHECK(owner.detail == "nothing listens on 127.0.0.1:" + std::to_string(wanted.value()));
}

TEST_CASE("listener owner: a listener on [::1] alone is not reachable and told as elsewhere") {
  if (!has_ipv6()) return;
  Instance instance(Listens::itself, "[::1]");
  auto owner = find_listener_owner(instance.port(), instance.pid());
  CHECK(owner.ownership == Ownership::nobody);
  CHECK(owner.elsewhere == std::vector{text("[::1]", instance.port())});
}

TEST_CASE("listener owner: another address of 127/8 is not reached either") {
  Instance instance(Listens::itself, "127.0.0.2");
  auto owner = find_listener_owner(instance.port(), instance.pid());
  CHECK(owner.ownership == Ownership::nobody);
  CHECK(owner.elsewhere == std::vector{text("127.0.0.2", instance.port())});
}

TEST_CASE("listener owner: an instance that is gone owns nothing") {
  Instance stranger(Listens::itself);
  Pid gone = [] { return Instance(Listens::nowhere).pid(); }();
  CHECK(find_listener_owner(stranger.port(), gone).ownership == Ownership::foreign);
}

TEST_CASE("listener owner: at a Unix socket it is the instance, a child of it, or a stranger who is named") {
  test::TempFolder folder;
  std::string at = "unix:" + (folder / "s").string();
  for (Listens listens : {Listens::itself, Listens::child, Listens::child_in_own_session, Listens::orphan}) {
    CAPTURE(static_cast<int>(listens));
    std::filesystem::remove(folder / "s");
    Instance instance(listens, at);
    CHECK(find_listener_owner(folder / "s", instance.pid()).ownership == Ownership::own);
    auto address = base::Address::parse(at);
    REQUIRE(address.has_value());
    CHECK(find_listener_owner(*address, instance.pid()).ownership == Ownership::own);
    Instance stranger(Listens::nowhere);
    auto owner = find_listener_owner(folder / "s", stranger.pid());
    CHECK(owner.ownership == Ownership::foreign);
    CHECK(owner.detail.starts_with((folder / "s").string() + " is held by pid "));
  }
}

TEST_CASE("listener owner: when nobody listens at the path, it tells where the instance does") {
  test::TempFolder folder;
  Instance there(Listens::itself, "unix:" + (folder / "other").string());
  auto owner = find_listener_owner(folder / "s", there.pid());
  CHECK(owner.ownership == Ownership::nobody);
  CHECK(owner.detail == "nothing listens on " + (folder / "s").string());
  CHECK(owner.elsewhere == std::vector{"unix:" + (folder / "other").string()});
  Instance on_port(Listens::child);
  owner = find_listener_owner(folder / "s", on_port.pid());
  CHECK(owner.ownership == Ownership::nobody);
  CHECK(owner.elsewhere == std::vector{text("127.0.0.1", on_port.port())});
}

TEST_CASE("listener owner: of two sockets that were bound to a path, the one that is there now counts") {
  test::TempFolder folder;
  std::string at = "unix:" + (folder / "s").string();
  Instance old(Listens::itself, at);
  std::filesystem::remove(folder / "s");
  Instance now(Listens::itself, at);
  CHECK(find_listener_owner(folder / "s", now.pid()).ownership == Ownership::own);
  CHECK(find_listener_owner(folder / "s", old.pid()).ownership == Ownership::foreign);
  // A renamed socket is still the same.
  std::filesystem::rename(folder / "s", folder / "t");
  CHECK(find_listener_owner(folder / "t", now.pid()).ownership == Ownership::own);
}

TEST_CASE("unix listeners: netlink and /proc tell the same sockets") {
  test::TempFolder folder;
  Socket socket = listen_on("unix:" + (folder / "a b").string());
  REQUIRE(socket.fd);
  auto inode_at = [](const base::Expected<std::vector<UnixListener>>& all,
                     const std::filesystem::path& path) {
    REQUIRE(all.has_value());
    auto found = std::ranges::find_if(*all, [&](const UnixListener& l) { return l.path == path; });
    return found == all->end() ? ino_t(0) : found->inode;
  };
  ino_t inode = inode_at(unix_listeners_by_netlink(), folder / "a b");
  CHECK(inode != 0);
  CHECK(inode_at(unix_listeners_by_proc(), folder / "a b") == inode);
  CHECK(sockets_of(Pid(::getpid())).inodes.contains(inode));
}

TEST_CASE("unix listeners: lines of /proc/net/unix that make no sense are passed over") {
  test::TempFolder folder;
  test::put_content(folder / "unix",
                    "Num       RefCount Protocol Flags    Type St Inode Path\n"
                    "0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/x y.sock\n"
                    "0000000000000000: 00000002 00000000 00000000 0001 03 4712 /run/connected\n"
                    "0000000000000000: 00000002 00000000 00010000 0001 01 4713 @abstract\n"
                    "0000000000000000: 00000002 00000000 00010000 0001 01 4714\n"
                    "0000000000000000: 00000002 00000000 00010000 0001 01 inode /run/y\n\n");
  auto listeners = unix_listeners_by_proc(folder / "unix");
  REQUIRE(listeners.has_value());
  REQUIRE(listeners->size() == 1);
  CHECK(listeners->front().path == "/run/x y.sock");
  CHECK(listeners->front().inode == 4711);
  CHECK_FALSE(listeners->front().file.has_value());
  CHECK_FALSE(unix_listeners_by_proc(folder / "missing").has_value());
}

TEST_CASE("tcp listeners: netlink and /proc tell the same sockets") {
  Socket four = listen_on("127.0.0.1");
  auto find = [](const std::vector<TcpListener>& all, const std::string& address) {
    auto found = std::ranges::find_if(all, [&](const TcpListener& l) { return l.address.text() == address; });
    return found == all.end() ? ino_t(0) : found->inode;
  };
  auto by_netlink = tcp_listeners_by_netlink();
  auto by_proc = tcp_listeners_by_proc();
  REQUIRE(by_netlink.has_value());
  REQUIRE(by_proc.has_value());
  ino_t inode = find(*by_netlink, text("127.0.0.1", four.port));
  CHECK(inode != 0);
  CHECK(find(*by_proc, text("127.0.0.1", four.port)) == inode);
  CHECK(sockets_of(Pid(::getpid())).inodes.contains(inode));
  if (!has_ipv6()) return;
  Socket six = listen_on("[::1]");
  by_netlink = tcp_listeners_by_netlink();
  by_proc = tcp_listeners_by_proc();
  inode = find(*by_netlink, text("[::1]", six.port));
  CHECK(inode != 0);
  CHECK(find(*by_proc, text("[::1]", six.port)) == inode);
}

TEST_CASE("tcp listeners: of one port only those that have it are told, of both families") {
  Socket four = listen_on("127.0.0.1");
  Socket six = listen_on("[::1]", four.port);
  Socket other = listen_on("127.0.0.1");
  REQUIRE(four.fd);
  REQUIRE(six.fd);
  REQUIRE(other.fd);
  for (const auto& listeners :
       {tcp_listeners_by_netlink(four.port), tcp_listeners_by_proc("/proc/net", four.port)}) {
    REQUIRE(listeners);
    REQUIRE(listeners->size() == 2);
    for (const TcpListener& listener : *listeners) CHECK(listener.address.port() == four.port);
    CHECK((*listeners)[0].address.family() != (*listeners)[1].address.family());
  }
}

TEST_CASE("tcp listeners: lines of /proc/net/tcp that make no sense are passed over") {
  test::TempFolder folder;
  std::string heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
  std::string rest = " 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n";
  std::string established =
      " 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n";
  test::put_content(folder / "tcp", heading + "   0: 0100007F:4E20" + rest + "   1: 0100007F:4E21" +
                                        established + "   2: 0100007F4E22" + rest + "   3: 0100007F:XXXX" +
                                        rest + "\n   4:\n" + "   5: 0100007F:4E23 00000000:0000 0A\n");
  auto listeners = tcp_listeners_by_proc(folder.path());
  REQUIRE(listeners.has_value());
  REQUIRE(listeners->size() == 1);
  CHECK(listeners->front().address.text() == "127.0.0.1:20000");
  CHECK(listeners->front().inode == 4711);
  CHECK_FALSE(tcp_listeners_by_proc(folder / "missing").has_value());
}
