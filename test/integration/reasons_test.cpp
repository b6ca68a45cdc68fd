// What the real daemon says of requests that it answers or cuts by itself: to the client, in the access log,
// in its own log; and what it lets pass of requests and responses that are odd.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <sstream>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

using Json = nlohmann::json;

struct OddApp {
  Site site;
  std::unique_ptr<DaemonProcess> daemon;
  explicit OddApp(const std::string& listener = "") {
    site.configure("[listen.public]\naddress = [\"@LISTEN@\"]\n" + listener +
                   "[app.web]\ncommand = [\"@PYTHON@\", \"@SUPPORT@/odd_app.py\"]\nlisten = \"public\"\n"
                   "[app.web.log]\naccess = \"@DIR@/access.log\"\n");
    daemon = std::make_unique<DaemonProcess>(site);
    REQUIRE(daemon->wait_healthy("web", 1));
  }
  [[nodiscard]] base::Expected<Response> ask(const std::string& target,
                                             const std::string& method = "GET") const {
    Request request;
    request.method = method;
    request.target = target;
    return fetch(site.listener(), request);
  }
  // The access log's line of that target; null: there is none yet.
  [[nodiscard]] Json line_of(const std::string& target) const {
    std::istringstream text(content_of(site.directory() / "access.log"));
    for (std::string line; std::getline(text, line);) {
      Json parsed = Json::parse(line, nullptr, false);
      if (parsed.is_object() && parsed.value("target", "") == target) return parsed;
    }
    return nullptr;
  }
};

std::string header(const Response& response, const std::string& name) {
  return response.header(name).value_or("");
}

// How many failed requests the daemon's log has told of.
std::uint64_t told(const std::string& log) {
  constexpr std::string_view kCount = " requests=";
  std::uint64_t sum = 0;
  std::istringstream text(log);
  for (std::string line; std::getline(text, line);) {
    const std::size_t at = line.find(kCount);
    if (line.find("failed app=web ") != std::string::npos && at != std::string::npos) {
      sum += std::stoull(line.substr(at + kCount.size()));
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("reasons: a response that breaks a rule is named to the client and in both logs") {
  OddApp odd;
  auto answer = odd.ask("/control");
  REQUIRE(answer.has_value());
  CHECK(answer->status == 502);
  CHECK(header(*answer, "X-Gv-Error") == "control-byte");
  REQUIRE(wait_until([&] { return odd.line_of("/control").is_object(); }));
  CHECK(odd.line_of("/control")["error"] == "control-byte");
  REQUIRE(wait_until([&] { return odd.daemon->log().find("reason=control-byte") != std::string::npos; }));
  CHECK(odd.daemon->log().find("failed app=web instance=1.1 reason=control-byte field=X-Broken requests=1") !=
        std::string::npos);

  // Those that follow soon are told of together, with what came last.
  for (int i = 0; i < 3; ++i)
    CHECK(header(odd.ask("/lengths").value_or(Response{}), "X-Gv-Error") == "two-lengths");
  (void)odd.ask("/chunk");
  REQUIRE(wait_until([&] { return odd.line_of("/chunk").is_object(); }));
  CHECK(odd.line_of("/chunk")["end"] == "cut");
  CHECK(odd.line_of("/chunk")["error"] == "bad-chunk-size");
  REQUIRE(wait_until([&] { return odd.daemon->log().find("reason=bad-chunk-size") != std::string::npos; },
                     std::chrono::seconds(60)));
  CHECK(told(odd.daemon->log()) == 5);
}

TEST_CASE("reasons: what is repaired reaches the client whole and is counted in status") {
  OddApp odd;
  for (const char* target : {"/equal", "/beside", "/"}) {
    auto answer = odd.ask(target);
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->body == "ok");
  }
  auto app = odd.daemon->app("web");
  REQUIRE(app.has_value());
  CHECK(app->repaired == 2);
  CHECK(app->failed == 0);
  CommandResult status = odd.daemon->ctl({"status", "--json"});
  CHECK(status.out.find("\"repaired\":2") != std::string::npos);
}

TEST_CASE("reasons: odd methods and targets reach the app as they are") {
  OddApp odd;
  for (const auto& [method, target] : {std::pair{"QUERY", "/a^b"},
                                       {"get", "/x?q=\"x\""},
                                       {"GET", "/\xc3\xa9\\<>"},
                                       {"VERSION-CONTROL", "/x"}}) {
    auto answer = odd.ask(target, method);
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    CHECK(answer->body.starts_with(std::string(method) + " " + target + " HTTP/1.1\r\n"));
  }
}

TEST_CASE("reasons: a listener with strict targets refuses odd ones and names the byte") {
  OddApp strict("targets = \"strict\"\n");
  auto answer = strict.ask("/a^b");
  REQUIRE(answer.has_value());
  CHECK(answer->status == 400);
  CHECK(header(*answer, "X-Gv-Error") == "bad-target");
  CHECK(answer->body.find("0x5e (^)") != std::string::npos);
}

TEST_CASE("reasons: a 426 says what it asks for, and an app does not speak for the daemon") {
  OddApp odd;
  auto answer = odd.ask("/required");
  REQUIRE(answer.has_value());
  CHECK(answer->status == 426);
  CHECK(header(*answer, "Upgrade") == "websocket");
  answer = odd.ask("/claims");
  REQUIRE(answer.has_value());
  CHECK(header(*answer, "X-Gv-Error") == "");
  CHECK(header(*answer, "X-Gv-App-Error") == "no-route");
}
