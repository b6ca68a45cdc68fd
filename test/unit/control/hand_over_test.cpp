// The control socket passes from one server to another, while clients connect and follow.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/holder.h"
#include "control/answers.h"
#include "control/server.h"
#include "control/socket_file.h"
#include "loop/loop.h"
#include "support/run_until.h"
#include "support/shelf.h"
#include "support/temp_folder.h"
#include "support/unix_client.h"

using namespace gracevisor;
using test::Shelf;
using test::UnixClient;

namespace {

// A daemon's control API: it begins a stream for each request, and keeps it.
struct Daemon final : control::Handler {
  explicit Daemon(std::string who) : name(std::move(who)) {}
  void handle(const control::Request& /*request*/, std::shared_ptr<serve::Response> response) override {
    control::begin_lines(*response);
    control::send_line(*response, "{\"from\":\"" + name + "\"}");
    response->on_gone([this] { ++gone; });
    responses.push_back(std::move(response));
  }

  std::string name;
  std::vector<std::shared_ptr<serve::Response>> responses;
  int gone = 0;
  std::unique_ptr<control::Server> server;
};

class Host {
 public:
  Host() : loop_(std::move(*loop::Loop::create())) {}
  ~Host() {
    former.server.reset();
    next.server.reset();
    CHECK(loop_->close() == 0);
  }

  void open(Daemon& daemon) {
    auto server = control::Server::open(*loop_, path(), control::access_policy(""), daemon, &shelf_);
    REQUIRE(server.has_value());
    daemon.server = std::move(*server);
  }
  // A client that has asked for a stream.
  UnixClient ask() const {
    UnixClient client(path());
    REQUIRE(client.connected());
    REQUIRE(client.send("GET /v1/logs HTTP/1.1\r\nHost: gv\r\n\r\n"));
    return client;
  }
  template <class F>
  void until(F condition) {
    REQUIRE(test::run_until(*loop_, condition));
  }
  // What could be done is done.
  void settle() {
    for (int i = 0; i < 5; ++i) loop_->run_once(false);
  }
  [[nodiscard]] std::string path() const { return control::socket_file(folder_.path()).string(); }

  Daemon former{"former"};
  Daemon next{"next"};

 private:
  test::TempFolder folder_;
  Shelf shelf_;
  std::unique_ptr<loop::Loop> loop_;
};

}  // namespace

TEST_CASE("hand-over: who connects while the server is paused waits, and is answered when it goes on") {
  Host host;
  host.open(host.former);
  UnixClient before = host.ask();
  host.until([&] { return host.former.responses.size() == 1; });
  host.former.server->pause();
  UnixClient waiting = host.ask();
  host.settle();
  CHECK(host.former.responses.size() == 1);
  CHECK(host.former.server->connections() == 1);
  // What is open stays so, and the file is looked after again once it goes on.
  control::send_line(*host.former.responses[0], R"({"still":1})");
  CHECK(before.read_until("still").find("still") != std::string::npos);
  CHECK(host.former.server->renew_socket() == false);
  REQUIRE(host.former.server->resume().has_value());
  REQUIRE(host.former.server->resume().has_value());
  host.until([&] { return host.former.responses.size() == 2; });
  CHECK(waiting.read_until("former").find("former") != std::string::npos);
}

TEST_CASE("hand-over: who waits in the backlog of a server that leaves is answered by the next one") {
  Host host;
  host.open(host.former);
  host.former.server->pause();
  UnixClient waiting = host.ask();
  host.former.server->leave(nullptr);
  host.former.server.reset();
  struct stat st{};
  CHECK(::lstat(host.path().c_str(), &st) == 0);
  host.open(host.next);
  host.until([&] { return host.next.responses.size() == 1; });
  CHECK(waiting.read_until("next").find("next") != std::string::npos);
  CHECK(host.former.responses.empty());
}

TEST_CASE("hand-over: a server that leaves cuts every connection but the one that it is told to keep") {
  Host host;
  host.open(host.former);
  UnixClient upgrade = host.ask();
  host.until([&] { return host.former.responses.size() == 1; });
  UnixClient follower = host.ask();
  UnixClient idle(host.path());
  host.until([&] { return host.former.responses.size() == 2 && host.former.server->connections() == 3; });
  host.former.server->leave(host.former.responses[0].get());
  host.until([&] { return host.former.gone == 1; });
  CHECK(host.former.server->connections() == 1);
  CHECK(idle.read_all().empty());
  // No last chunk: a client can tell that this is not the end of what it follows.
  const std::string cut = follower.read_all();
  CHECK(cut.ends_with("{\"from\":\"former\"}\n\r\n"));
  CHECK(cut.find("\r\n0\r\n") == std::string::npos);
  CHECK_FALSE(host.former.responses[1]->open());
  // It neither listens again nor takes the socket back.
  CHECK(host.former.server->renew_socket() == false);
  REQUIRE(host.former.server->resume().has_value());
  host.open(host.next);
  UnixClient later = host.ask();
  host.until([&] { return host.next.responses.size() == 1; });
  CHECK(later.read_until("next").find("next") != std::string::npos);
  control::send_line(*host.former.responses[0], R"({"phase":"done","exit":0})");
  host.former.responses[0]->end();
  host.settle();
  CHECK(upgrade.read_until("0\r\n\r\n").find(R"("phase":"done")") != std::string::npos);
}
