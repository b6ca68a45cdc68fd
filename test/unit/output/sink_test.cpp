// What reaches a socket of syslog or journald, and what happens while nobody takes it.
#include "output/sink.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "support/log_socket.h"
#include "support/manual_clock.h"
#include "support/skip.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::output;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::LogSocket;
using Next = Sink::Next;

namespace {

struct Fixture {
  test::TempFolder folder;
  test::ManualClock clock;
  std::string path = (folder / "log").string();
  std::vector<std::string> told;
  std::optional<Sink> sink;

  Sink& make(SinkKind kind, const std::string& where) {
    FilePolicy policy;
    policy.path = where;
    policy.sink = kind;
    LogWays ways;
    ways.tell = [this](const std::string& of, const std::string& cause) { told.push_back(of + "|" + cause); };
    return sink.emplace(policy, clock, ways);
  }
  Sink& syslog() { return make(SinkKind::syslog, path); }

  static std::string record(const std::string& text, LogStream stream = LogStream::out) {
    std::string made;
    append_records(LogFormat::prefixed, {std::chrono::system_clock::now(), "web", "5.1", stream}, text, made);
    return made;
  }
  void put(std::string records, Dropped before = {}) {
    FilePolicy policy;
    policy.sink = SinkKind::syslog;
    policy.app = "web";
    REQUIRE(sink->ring().push(Lines{policy, std::move(records), before, {}, {}}));
  }
  // The text of a message of local syslog.
  static std::string text_of(const std::string& message) {
    const std::size_t head = message.find("]: ");
    return head == std::string::npos ? message : message.substr(head + 3);
  }
  static std::vector<std::string> texts(LogSocket& socket) {
    std::vector<std::string> all;
    for (const std::string& message : socket.take()) all.push_back(text_of(message));
    return all;
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "sink: each line is a message of its own") {
  LogSocket socket(path);
  syslog();
  CHECK(sink->work() == Next::nothing);
  put(record("one\ntwo\n") + record("three\n", LogStream::err));
  CHECK(sink->work() == Next::nothing);
  CHECK(texts(socket) == Texts{"one", "two", "three"});
  CHECK(socket.messages()[0].starts_with("<30>"));
  CHECK(socket.messages()[2].starts_with("<28>"));
  CHECK(socket.messages()[0].find(" web[5.1]: one") == 19);
  CHECK(sink->ring().written() == (record("one\ntwo\n") + record("three\n")).size());
  CHECK(sink->lost() == 0);
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(Fixture, "sink: a stream socket gets each message with its end") {
  LogSocket socket(path, LogSocket::Kind::stream);
  syslog();
  put(record(std::string("one\n\0two\n", 9)));
  CHECK(sink->work() == Next::nothing);
  CHECK(texts(socket) == Texts{"one", "#000two"});
}

TEST_CASE_FIXTURE(Fixture, "sink: a long line is several messages of whole characters") {
  LogSocket socket(path);
  syslog();
  std::string text = "x";  // so that a limit falls into a character
  while (text.size() < 3 * kMostSyslogText) text += "abc\xc3\xa4";
  put(record(text + "\n") + record("next\n"));
  CHECK(sink->work() == Next::nothing);
  Texts came = texts(socket);
  REQUIRE(came.size() == 5);
  CHECK(came[4] == "next");
  came.pop_back();
  std::string whole;
  for (const std::string& piece : came) {
    CHECK(piece.size() <= kMostSyslogText);
    CHECK((static_cast<unsigned char>(piece.front()) & 0xc0U) != 0x80);
    whole += piece;
  }
  CHECK(whole == text);
}

TEST_CASE_FIXTURE(Fixture, "sink: while nobody listens it tries ever less often, and then loses nothing") {
  syslog();
  put(record("one\n"));
  base::Duration wait = Sink::kFirstRetry;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(sink->work() == Next::later);
    CHECK(sink->retry_at() == clock.now() + wait);
    CHECK(sink->work() == Next::later);  // too early
    clock.advance(wait);
    wait = std::min<base::Duration>(wait * 2, Sink::kLastRetry);
  }
  REQUIRE(told.size() == 1);
  CHECK(told[0] == "syslog:" + path + "|cannot connect to syslog:" + path + ": No such file or directory");
  CHECK(sink->ring().written() == 0);
  LogSocket socket(path);
  CHECK(sink->work() == Next::nothing);
  CHECK(texts(socket) == Texts{"one"});
  CHECK(told.size() == 2);
  CHECK(told.back() == "syslog:" + path + "|");
}

TEST_CASE_FIXTURE(Fixture, "sink: a reader that is started again gets what the former one did not take") {
  syslog();
  for (const auto kind : {LogSocket::Kind::datagram, LogSocket::Kind::stream, LogSocket::Kind::datagram}) {
    LogSocket socket(path, kind);
    put(record("one\n"));
    CHECK(sink->work() == Next::nothing);
    CHECK(texts(socket) == Texts{"one"});
  }
  put(record("two\n"));
  CHECK(sink->work() == Next::later);
  CHECK(told.size() == 1);
  LogSocket socket(path);
  clock.advance(Sink::kFirstRetry);
  CHECK(sink->work() == Next::nothing);
  CHECK(texts(socket) == Texts{"two"});
  CHECK(sink->lost() == 0);
}

TEST_CASE_FIXTURE(Fixture, "sink: a reader that takes nothing is waited for and told about") {
  for (const auto kind : {LogSocket::Kind::datagram, LogSocket::Kind::stream}) {
    told.clear();
    LogSocket socket(path, kind);
    syslog();
    std::string expected;
    std::string records;
    for (int i = 0; i < 3000; ++i) {
      expected += std::to_string(i) + " ";
      records += record(std::to_string(i) + std::string(400, ' ') + "\n");
    }
    put(records);
    Next next = sink->work();
    while (next == Next::more) next = sink->work();
    REQUIRE(next == Next::writable);
    CHECK(told.empty());
    clock.advance(Sink::kSilent);
    CHECK(sink->work() == Next::writable);
    REQUIRE(told.size() == 1);
    CHECK(told[0] == "syslog:" + path + "|nothing is taken by syslog:" + path);
    while (next != Next::nothing) {
      (void)socket.take();
      next = sink->work();
    }
    std::string came;
    for (const std::string& text : texts(socket)) came += text.substr(0, text.find(' ') + 1);
    CHECK(came == expected);
    CHECK(told.size() == 2);
  }
}

TEST_CASE_FIXTURE(Fixture, "sink: the daemon's own lines come under its name, among those of apps") {
  LogSocket socket(path);
  syslog();
  FilePolicy own;
  own.sink = SinkKind::syslog;
  REQUIRE(
      sink->ring().push(Lines{own, "2026-11-29T19:01:02.345+00:00 error oh no\nno line\n", {3, 30}, {}, {}}));
  put(record("one\n"));
  CHECK(sink->work() == Next::nothing);
  const std::string name = " gracevisord[" + std::to_string(::getpid()) + "]: ";
  REQUIRE(socket.take().size() == 4);
  const Texts& came = socket.messages();
  CHECK(came[0].starts_with("<28>"));
  CHECK(came[0].ends_with(name + "[gracevisor: 3 lines, 30 bytes dropped]"));
  CHECK(came[1].starts_with("<27>"));
  CHECK(came[1].ends_with(name + "oh no"));
  CHECK(came[2].ends_with(name + "[gracevisor: 1 lines, 8 bytes dropped]"));
  CHECK(came[3].ends_with(" web[5.1]: one"));
  CHECK(sink->lost() == 1);
}

TEST_CASE_FIXTURE(Fixture, "sink: what was dropped on the way is told in its place") {
  LogSocket socket(path);
  syslog();
  put(record("one\n"));
  put(record("two\n"), {7, 99});
  put({}, {1, 2});
  CHECK(sink->work() == Next::nothing);
  const Texts came = texts(socket);
  REQUIRE(came.size() == 4);
  CHECK(came[1].ends_with(" web: [gracevisor: 7 lines, 99 bytes dropped]"));
  CHECK(came[1].starts_with("<28>"));
  CHECK(came[2] == "two");
  CHECK(came[3].ends_with(" web: [gracevisor: 1 lines, 2 bytes dropped]"));
}

TEST_CASE_FIXTURE(Fixture, "sink: journald gets fields, and a line of a mebibyte as a sealed memfd") {
  LogSocket socket(path);
  make(SinkKind::journal, path);
  const std::string big(1 << 20, 'x');
  put(record("hello\n") + record(big + "\n", LogStream::err) + record("begun"));
  CHECK(sink->work() == Next::nothing);
  REQUIRE(socket.take().size() == 3);
  auto fields = test::journal_fields(socket.messages()[0]);
  CHECK(fields["MESSAGE"] == "hello");
  CHECK(fields["GV_INSTANCE"] == "5.1");
  CHECK(fields["PRIORITY"] == "6");
  CHECK(socket.sealed() == 1);
  CHECK(socket.all_sealed());
  fields = test::journal_fields(socket.messages()[1]);
  CHECK(fields["MESSAGE"] == big);
  CHECK(fields["PRIORITY"] == "4");
  CHECK(test::journal_fields(socket.messages()[2])["GV_CUT"] == "true");
}

TEST_CASE_FIXTURE(Fixture, "sink: what nobody takes by UDP is counted, and the rest arrives") {
  base::UniqueFd reader(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const base::Address any = base::Address::tcp_loopback(base::Port(0));
  REQUIRE(::bind(reader.get(), any.get(), any.length()) == 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  REQUIRE(::getsockname(reader.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
  const std::string at =
      "udp://" + base::Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&bound), size).text();
  make(SinkKind::syslog, at);
  put(record("one\n"));
  CHECK(sink->work() == Next::nothing);
  std::string buffer(4096, '\0');
  const ssize_t n = ::recv(reader.get(), buffer.data(), buffer.size(), 0);
  REQUIRE(n > 0);
  buffer.resize(static_cast<std::size_t>(n));
  CHECK(buffer.starts_with("<30>1 20"));
  CHECK(buffer.ends_with(" web 5.1 out - one"));
  reader.reset();
  for (int i = 0; i < 4; ++i) put(record("gone\n"));
  CHECK(sink->work() == Next::nothing);
  CHECK(sink->lost() > 0);
  REQUIRE(told.size() == 1);
  CHECK(told[0] == "syslog:" + at + "|not all is taken by syslog:" + at + ": Connection refused");
}

TEST_CASE_FIXTURE(Fixture, "sink: what is given up is counted") {
  syslog();
  put(record("one\ntwo\n"));
  CHECK(sink->work() == Next::later);
  put(record("three\n"), {5, 5});
  sink->add_rest(Lines{{}, record("four\n"), {}, {}, {}});
  sink->give_up();
  CHECK(sink->lost() == 4);  // the five were counted where they were dropped
  clock.advance(seconds(9));
  LogSocket socket(path);
  CHECK(sink->work() == Next::nothing);
  CHECK(socket.take().empty());
}

TEST_CASE_FIXTURE(Fixture, "sink: a socket that an app's user could replace is not told anything") {
  if (::geteuid() != 0) return test::skip("needs root");
  const std::filesystem::path home = folder / "home";
  std::filesystem::create_directory(home);
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  REQUIRE(::chown(home.c_str(), 12345, 12345) == 0);
  LogSocket socket(home / "log");
  FilePolicy policy;
  policy.path = home / "log";
  policy.sink = SinkKind::syslog;
  base::PathTrust trust;
  trust.judged = true;
  trust.users = {::geteuid()};
  LogWays ways;
  ways.opener = std::make_shared<const LogOpener>(trust, std::nullopt, nullptr);
  ways.tell = [this](const std::string&, const std::string& cause) { told.push_back(cause); };
  sink.emplace(policy, clock, ways);
  put(record("one\n"));
  CHECK(sink->work() == Next::later);
  CHECK(socket.take().empty());
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("belongs to uid 12345") != std::string::npos);
  // Through a link of root's it is no other place.
  std::filesystem::create_symlink(home / "log", folder / "link");
  policy.path = folder / "link";
  sink.emplace(policy, clock, ways);
  put(record("one\n"));
  CHECK(sink->work() == Next::later);
  CHECK(socket.take().empty());
}
