#include "decide/probe_text.h"

#include <doctest/doctest.h>

#include <cerrno>

#include "base/error.h"

namespace gracevisor::decide {
namespace {

using routing::ProbeOutcome;
using routing::ProbeReport;

ProbeReport answer(int status, const std::string& location = "", const std::string& body = "") {
  ProbeReport report;
  report.tries = 3;
  report.failures_in_a_row = 3;
  report.last = ProbeOutcome::wrong_status;
  report.status = status;
  report.connected = true;
  report.evidence = {"flask.test", location, body};
  return report;
}

ProbeReport nothing(ProbeOutcome outcome, bool connected = false, const std::string& body = "") {
  ProbeReport report;
  report.tries = 1;
  report.last = outcome;
  report.connected = connected;
  report.evidence.body = body;
  return report;
}

config::Health check(const std::string& path = "/health") {
  config::Health health;
  health.path = path;
  health.path_given = true;
  return health;
}

TEST_CASE("probe text: an answer that does not count is shown with what was asked and what would help") {
  CHECK(probe_text(check(), answer(301, "https://flask.test/health")) ==
        "GET /health (Host: flask.test) -> 301 to https://flask.test/health, 3 tries: "
        "set health.proto = \"https\"");
  CHECK(probe_text(check(), answer(400, "", "bad host \"flask.test\"")) ==
        "GET /health (Host: flask.test) -> 400 \"bad host 'flask.test'\", 3 tries: "
        "set health.host to a host that the app accepts");
  CHECK(probe_text(check(), answer(404)) ==
        "GET /health (Host: flask.test) -> 404, 3 tries: set health.path to a page that the app has");
}

TEST_CASE("probe text: without an answer it says what became of the connection") {
  CHECK(probe_text(check(), {}) == "GET /health -> no answer yet");
  CHECK(probe_text(check(), nothing(ProbeOutcome::refused)) == "GET /health -> refused, 1 try");
  CHECK(probe_text(check(), nothing(ProbeOutcome::timed_out)) == "GET /health -> timed out, 1 try");
  CHECK(probe_text(check(), nothing(ProbeOutcome::timed_out, true)) ==
        "GET /health -> timed out (connected, no answer), 1 try");
  CHECK(probe_text(check(), nothing(ProbeOutcome::malformed, true, "\x15\x03\x01")).find("it speaks TLS") !=
        std::string::npos);
  CHECK(probe_text(check(), nothing(ProbeOutcome::malformed, true, "SSH-2.0-x\r\n")) ==
        "GET /health -> no HTTP answer \"SSH-2.0-x\", 1 try");
  ProbeReport unable = nothing(ProbeOutcome::unable);
  unable.code = EMFILE;
  CHECK(probe_text(check(), unable) ==
        "GET /health -> not begun (gracevisord: " + base::errno_text(EMFILE) + "), 1 try");
  config::Health tcp = check();
  tcp.kind = config::Health::Kind::tcp;
  CHECK(probe_text(tcp, nothing(ProbeOutcome::refused)) == "connect -> refused, 1 try");
}

TEST_CASE("probe text: the advice follows from the status, the redirect and the body") {
  const auto advice = [](const ProbeReport& report) { return probe_advice(check(), report); };
  CHECK(advice(answer(302, "https://flask.test/")) == "set health.proto = \"https\"");
  CHECK(advice(answer(301, "http://www.flask.test:80/health")) == "set health.host = \"www.flask.test\"");
  CHECK(advice(answer(308, "/health/")) == "set health.path = \"/health/\"");
  CHECK(advice(answer(302, "/accounts/login?next=/health")).starts_with("it asks for a login"));
  CHECK(advice(answer(302, "")).starts_with("set health.path to a page that does not redirect"));
  CHECK(advice(answer(400)) == "is health.host right?");
  CHECK(advice(answer(421)) == "set health.host to a host that the app accepts");
  CHECK(advice(answer(401)).starts_with("it asks for credentials"));
  CHECK(advice(answer(403, "", "Blocked hosts: flask.test")).starts_with("set health.host"));
  CHECK(advice(answer(403)).starts_with("set health.path to a page that everyone may see"));
  CHECK(advice(answer(405)) == "set health.path to a page that answers GET");
  CHECK(advice(answer(500)) == "an error of the app's own: its log says more");
  CHECK(advice(answer(503)) == "the app says that it is not ready");
  CHECK(advice(answer(418)) == "set health.expect if this status is right");
  CHECK(advice(nothing(ProbeOutcome::refused)).empty());
  // Already as it asks: something else is wrong.
  config::Health https = check();
  https.proto = "https";
  CHECK(
      probe_advice(https, answer(301, "https://flask.test/health")).starts_with("set health.path to a page"));
}

TEST_CASE("probe text: a hostile answer cannot forge lines, however long it is") {
  const std::string text =
      probe_text(check(), answer(500, "", "x\"\nerror fatal app=web\x1b[31m" + std::string(1000, 'y')));
  CHECK(text.find('\n') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.size() < 400);
}

}  // namespace
}  // namespace gracevisor::decide
