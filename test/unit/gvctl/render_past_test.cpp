// History and environment as people see them, by example.
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

#include "gvctl/render.h"

using namespace gracevisor;
using namespace gracevisor::gvctl;

namespace {

control::PastCommand command(const std::string& verb, std::optional<std::uint64_t> uid,
                             std::uint64_t generation, int exit, const std::string& text) {
  control::PastCommand past{verb, uid, "2026-11-29T15:20:41Z", generation, exit, text, {}};
  past.lines.push_back({"deploy", 0, "web@43", {}, {}});
  past.lines.push_back({exit == 0 ? "done" : "failed", 1500, text, exit, {}});
  return past;
}

// The zone in which moments are shown.
struct InUtc {
  InUtc() {
    REQUIRE(::setenv("TZ", "UTC0", 1) == 0);
    ::tzset();
  }
  InUtc(const InUtc&) = delete;
  InUtc& operator=(const InUtc&) = delete;
  ~InUtc() {
    (void)::unsetenv("TZ");
    ::tzset();
  }
};

}  // namespace

TEST_CASE("history: a table, with what failed and what concerned no generation") {
  const InUtc zone;
  control::History history{.app = "web", .commands = {}};
  CHECK(render(history, Style{}) == "nothing is kept of web yet\n");
  history.commands = {command("deploy", 0, 42, 0, "14,092 requests, 0 failed"),
                      command("stop", std::nullopt, 0, 0, "web"),
                      command("deploy", 1000, 143, 10, "web@143 \x1b]0;x")};
  CHECK(render(history, Style{}) ==
        "WHEN                 GEN   COMMAND  BY        RESULT\n"
        "2026-11-29 15:20:41  @42   deploy   root      14,092 requests, 0 failed\n"
        "2026-11-29 15:20:41  -     stop     daemon    web\n"
        "2026-11-29 15:20:41  @143  deploy   uid 1000  exit 10: web@143 \\x1b]0;x\n");
  CHECK(render(history, Style{true}).find("\x1b[31mexit 10") != std::string::npos);
}

TEST_CASE("history: whole reports, an empty line between them") {
  const InUtc zone;
  control::History history{.app = "web", .commands = {}};
  history.commands = {command("deploy", 0, 43, 0, "fine"), command("kill", 7, 43, 1, "not so")};
  CHECK(render_reports(history, Style{}) ==
        "2026-11-29 15:20:41  deploy by root\ndeploy web@43\ndone: fine\n\n"
        "2026-11-29 15:20:41  kill by uid 7\ndeploy web@43\nfailed: not so\n");
}
