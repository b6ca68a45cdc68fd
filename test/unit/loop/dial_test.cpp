#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "loop/listening_socket.h"
#include "loop/stream.h"
#include "stream_fixture.h"
#include "support/held_port.h"
#include "support/temp_folder.h"

using namespace gracevisor;
using namespace gracevisor::test;
using loop::Stream;
using loop::WriteResult;

namespace {

base::UniqueFd accept_one(int listening) {
  return base::UniqueFd(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
}

}  // namespace

TEST_CASE_FIXTURE(StreamFixture, "dial: a connection is told, and what was written before goes out first") {
  Listening listening = listen_on_loopback();
  auto dialled = stream.dial(*loop, listening.address);
  REQUIRE(dialled.has_value());
  CHECK(stream.write("early ") == WriteResult::queued);
  REQUIRE(until([&] { return seen.count("connected") == 1 && seen.count("drained") == 1; }));
  CHECK(stream.write("late") == WriteResult::done);
  base::UniqueFd accepted = accept_one(listening.fd.get());
  CHECK(receive(accepted.get(), 10) == "early late");
}

TEST_CASE_FIXTURE(StreamFixture, "dial: a refused connection is told as broken and drops what was written") {
  HeldPort nobody;
  auto dialled = stream.dial(*loop, nobody.address());
  // Either at once, or by the callback.
  if (!dialled) {
    CHECK(dialled.error().code == ECONNREFUSED);
    return;
  }
  CHECK(stream.write("never sent") == WriteResult::queued);
  REQUIRE(until([&] { return !seen.events.empty(); }));
  for (int i = 0; i < 5; ++i) loop->run_once(false);
  CHECK(seen.events == std::vector<std::string>{"broken"});
  CHECK(seen.error == ECONNREFUSED);
}

TEST_CASE_FIXTURE(StreamFixture, "dial: a Unix socket is reached at once, or not at all") {
  TempFolder folder;
  auto address = base::Address::unix_path((folder / "s").string());
  REQUIRE(address.has_value());
  auto missing = stream.dial(*loop, *address);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().code == ENOENT);

  auto listening = loop::open_listening_sockets(*address, 1);
  REQUIRE(listening.has_value());
  auto dialled = stream.dial(*loop, *address);
  REQUIRE(dialled.has_value());
  CHECK(stream.connected());
  CHECK(stream.write("x") == WriteResult::done);
  CHECK(receive(accept_one(listening->sockets[0].get()).get(), 1) == "x");
  for (int i = 0; i < 5; ++i) loop->run_once(false);
  CHECK(seen.events.empty());
}

TEST_CASE_FIXTURE(StreamFixture,
                  "dial: where an address has an owner, another user's listener gets no byte") {
  TempFolder folder;
  auto address = base::Address::unix_path((folder / "s").string());
  REQUIRE(address.has_value());
  auto listening = loop::open_listening_sockets(*address, 1);
  REQUIRE(listening.has_value());
  // A link, as somebody would lay it who may not open the socket himself.
  std::filesystem::create_symlink(folder / "s", folder / "link");
  auto link = base::Address::unix_path((folder / "link").string());
  REQUIRE(link.has_value());
  auto refused = stream.dial(*loop, link->owned_by(::geteuid() + 1));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == EACCES);
  CHECK(read_result(accept_one(listening->sockets[0].get()).get()) == 0);

  REQUIRE(stream.dial(*loop, address->owned_by(::geteuid())).has_value());
  CHECK(stream.write("x") == WriteResult::done);
  CHECK(receive(accept_one(listening->sockets[0].get()).get(), 1) == "x");
}

TEST_CASE_FIXTURE(StreamFixture, "dial: a stream may be destroyed while it connects and in its callbacks") {
  Listening listening = listen_on_loopback();
  auto unfinished = stream.dial(*loop, listening.address);
  REQUIRE(unfinished.has_value());
  CHECK(stream.write("x") == WriteResult::queued);
  stream.close();
  for (int i = 0; i < 5; ++i) loop->run_once(false);
  CHECK(seen.events.empty());

  seen.react = [&] { stream.close(); };
  REQUIRE(stream.dial(*loop, listening.address).has_value());
  REQUIRE(until([&] { return !seen.events.empty(); }));
  CHECK(seen.events == std::vector<std::string>{"connected"});
  CHECK_FALSE(stream.open());

  HeldPort nobody;
  seen.events.clear();
  auto refused = stream.dial(*loop, nobody.address());
  if (!refused) return;  // at once
  REQUIRE(until([&] { return seen.count("broken") == 1; }));
  CHECK_FALSE(stream.open());
}

TEST_CASE_FIXTURE(StreamFixture, "dial: a reset while connecting is silent") {
  Listening listening = listen_on_loopback();
  REQUIRE(stream.dial(*loop, listening.address).has_value());
  stream.reset();
  for (int i = 0; i < 5; ++i) loop->run_once(false);
  CHECK(seen.events.empty());
}
