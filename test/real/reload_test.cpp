// A reload while wrk sends what it can to every address.
#include <doctest/doctest.h>

#include <string>

#include "real/programs.h"
#include "support/daemon_process.h"
#include "support/named_apps.h"
#include "support/wait.h"

using namespace gracevisor;
using namespace gracevisor::test;

namespace {

constexpr const char* kSeconds = "5s";

// wrk's requests go to this host at this address, on eight connections. A machine that is busy may keep one
// of them waiting for seconds, which is no fault: wrk is to count what fails, not what is late.
std::vector<std::string> wrk(const base::Address& address, const std::string& host,
                             const std::vector<std::string>& more = {"-t1"}) {
  std::vector<std::string> words = {"wrk", "-c8",          std::string("-d") + kSeconds, "--timeout", "30s",
                                    "-H",  "Host: " + host};
  words.insert(words.end(), more.begin(), more.end());
  words.push_back("http://" + address.text());
  return words;
}

// A thread for each connection, which ends at "Connection: close": wrk would dial an address that is gone
// again and again, and count that among what broke.
std::vector<std::string> until_closed(const Site& site) {
  const auto script = site.files().write("until_closed.lua",
                                         "response = function(status, headers)\n"
                                         "  if headers['Connection'] == 'close' then wrk.thread:stop() end\n"
                                         "end\n");
  return {"-t8", "-s", script};
}

std::string output_of(Command& command) {
  CommandResult result = command.wait(std::chrono::seconds(30));
  MESSAGE(result.out);
  CHECK(result.exit_code == 0);
  return result.out;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("wrk: a reload that moves a listener, adds, removes and changes apps fails no request") {
  if (!available({"wrk"})) return;
  Site site;
  const std::string kept = named_app("plain", "public", host_route("plain.test"));
  site.configure(public_listener(0) + "[listen.moving]\naddress = \"@LISTEN1@\"\n" + kept +
                 named_app("web", "public", host_route("web.test")) +
                 named_app("old", "public", host_route("api.test")) + named_app("inside", "moving"));
  DaemonProcess daemon(site);
  for (const char* name : {"plain", "web", "old", "inside"}) REQUIRE(daemon.wait_healthy(name, 1));

  Command to_kept(wrk(site.listener(0), "plain.test"));
  Command to_changed(wrk(site.listener(0), "web.test"));
  Command to_replaced(wrk(site.listener(0), "api.test"));
  Command to_moving(wrk(site.listener(1), "inside.test", until_closed(site)));
  for (const char* name : {"plain", "web", "old", "inside"}) {
    CAPTURE(name);
    const auto under_load = [&] {
      auto app = daemon.app(name);
      return app && app->requests > 100;
    };
    REQUIRE(wait_until(under_load, std::chrono::seconds(60)));
  }
  const auto before = daemon.pids("plain");
  site.configure(public_listener(0) + "[listen.moving]\naddress = \"@LISTEN2@\"\n" + kept +
                 named_app("web", "public", host_route("web.test") + "environment.A = \"b\"\n") +
                 named_app("fresh", "public", host_route("api.test")) + named_app("inside", "moving"));
  CommandResult reload = daemon.ctl({"reload", "--remove"});
  INFO(describe(reload));
  MESSAGE(reload.out);
  CHECK(reload.exit_code == 0);
  CHECK(to_kept.running());  // the load went on over all of it
  CHECK(wait_until(
      [&] { return !to_moving.running(); }));  // all eight were told, well before its time was over

  for (Command* load : {&to_kept, &to_changed, &to_replaced, &to_moving}) {
    const std::string seen = output_of(*load);
    CHECK(contains(seen, "requests in"));
    CHECK_FALSE(contains(seen, "Socket errors"));
    CHECK_FALSE(contains(seen, "Non-2xx"));
  }
  CHECK(daemon.pids("plain") == before);
  CHECK(status_at(site.listener(1)) == 0);
  CHECK(served_by(site.listener(0), "api.test") == "fresh");
  CHECK(served_by(site.listener(2), "inside.test") == "inside");
}
