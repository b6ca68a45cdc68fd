// [app.NAME.limits], and the keys about what an app's processes may do.
#include <string>
#include <vector>

#include "config/keys.h"
#include "config/load.h"
#include "loading.h"

namespace gracevisor::config {

using test::app_of;
using test::errors_of;

namespace {

// A valid app, then `keys` from line 4 on.
std::string app(const std::string& keys) {
  return "[app.web]\ncommand = \"server\"\nlisten = \"127.0.0.1:8080\"\n" + keys + "\n";
}

struct Case {
  std::string keys;
  std::string error;  // the only one
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.keys);
    CHECK(errors_of(app(c.keys)) == std::vector<std::string>{"/etc/gv.toml:" + c.error});
  }
}

Limits limits(const std::string& keys) {
  return app_of("[app.web.limits]\n" + keys + "\n").limits;
}

}  // namespace

TEST_CASE("limits: without keys nothing is limited, and privileges are as they were") {
  const App web = app_of("");
  const auto& [nofile, nproc, core, nice, io_class, oom_score_adj, memory, tasks, cpu] = web.limits;
  CHECK_FALSE((nofile || nproc || core || nice || io_class || oom_score_adj || memory || tasks || cpu));
  CHECK(web.umask == 022);
  CHECK_FALSE(web.supplementary_groups);
  CHECK_FALSE(web.no_new_privileges);
  CHECK(web.capabilities.empty());
  CHECK_FALSE(web.private_tmp);
  CHECK(web.read_only.empty());
}

TEST_CASE("limits: each value as it may be written") {
  CHECK(limits("nofile = \"1024:1048576\"").nofile == OpenFiles{1024, 1048576});
  CHECK(limits("nofile = 4096").nofile == OpenFiles{4096, 4096});
  CHECK(limits("nofile = \"4096\"").nofile == OpenFiles{4096, 4096});
  CHECK(limits("nproc = 512").nproc == 512U);
  CHECK(limits("core = \"0\"").core == 0U);
  CHECK(limits("core = 0").core == 0U);
  CHECK(limits("core = \"1MiB\"").core == 1U << 20U);
  CHECK(limits("core = \"unlimited\"").core == kUnlimited);
  CHECK(limits("nice = -20").nice == -20);
  CHECK(limits("nice = 19").nice == 19);
  CHECK(limits("oom_score_adj = -1000").oom_score_adj == -1000);
  CHECK(limits("io_class = \"realtime:0\"").io_class == IoPriority(1U << 13U));
  CHECK(limits("io_class = \"best-effort:7\"").io_class == IoPriority(2U << 13U | 7U));
  CHECK(limits("io_class = \"best-effort\"").io_class == IoPriority(2U << 13U | 4U));
  CHECK(limits("io_class = \"idle\"").io_class == IoPriority(3U << 13U));
  CHECK(limits("memory = \"512MiB\"").memory == 512U << 20U);
  CHECK(limits("tasks = 512").tasks == 512U);
  CHECK(limits("cpu = \"1%\"").cpu == 1U);
  CHECK(limits("cpu = \"819200%\"").cpu == 819'200U);
}

TEST_CASE("limits: what cannot be is refused with its place, the value and what is allowed") {
  const std::string files = R"(a number, 16 to 1073741816, or "SOFT:HARD")";
  check({
      {"limits.nofile = 15", "4:17: app.web.limits.nofile: 15 is out of range (allowed: 16 to 1073741816)"},
      {"limits.nofile = -1", "4:17: app.web.limits.nofile: -1 is out of range (allowed: 16 to 1073741816)"},
      {R"(limits.nofile = "64:1073741817")",
       "4:17: app.web.limits.nofile: 1073741817 is out of range (allowed: 16 to 1073741816)"},
      {R"(limits.nofile = "200:100")",
       "4:17: app.web.limits.nofile: the soft limit 200 is above the hard one 100"},
      {R"(limits.nofile = "100:")", "4:17: app.web.limits.nofile: expected " + files + R"(, found "100:")"},
      {R"(limits.nofile = ":100")", "4:17: app.web.limits.nofile: expected " + files + R"(, found ":100")"},
      {R"(limits.nofile = "1:2:3")", "4:17: app.web.limits.nofile: expected " + files + R"(, found "1:2:3")"},
      {R"(limits.nofile = "99999999999999999999")",
       "4:17: app.web.limits.nofile: expected " + files + R"(, found "99999999999999999999")"},
      {"limits.nofile = true", "4:17: app.web.limits.nofile: expected " + files + ", found boolean"},
      {"limits.nproc = 0", "4:16: app.web.limits.nproc: 0 is out of range (allowed: 1 to 4194304)"},
      {R"(limits.nproc = "512")", "4:16: app.web.limits.nproc: expected an integer, found string"},
      {"limits.core = 5", R"(4:15: app.web.limits.core: expected a size such as "50MiB", found integer)"},
      {R"(limits.core = "much")",
       R"(4:15: app.web.limits.core: expected a size such as "50MiB", "10MB" or "8k", found "much")"},
      {"limits.nice = -21", "4:15: app.web.limits.nice: -21 is out of range (allowed: -20 to 19)"},
      {"limits.nice = 20", "4:15: app.web.limits.nice: 20 is out of range (allowed: -20 to 19)"},
      {"limits.oom_score_adj = 1001",
       "4:24: app.web.limits.oom_score_adj: 1001 is out of range (allowed: -1000 to 1000)"},
      {R"(limits.io_class = "best-effort:8")",
       R"(4:19: app.web.limits.io_class: "best-effort:8" has a level that is none (allowed: 0 to 7))"},
      {R"(limits.io_class = "realtime:")",
       R"(4:19: app.web.limits.io_class: "realtime:" has a level that is none (allowed: 0 to 7))"},
      {R"(limits.io_class = "idle:3")", R"(4:19: app.web.limits.io_class: "idle" has no levels)"},
      {R"(limits.io_class = "best")",
       R"(4:19: app.web.limits.io_class: expected "realtime", "best-effort" or "idle", with a level as in )"
       R"("best-effort:4", found "best")"},
      {R"(limits.memory = "1023KiB")",
       R"(4:17: app.web.limits.memory: 1023KiB is out of range (allowed: 1MiB to 1024TiB))"},
      {"limits.tasks = 0", "4:16: app.web.limits.tasks: 0 is out of range (allowed: 1 to 4194304)"},
      {R"(limits.cpu = "0%")", R"(4:14: app.web.limits.cpu: "0%" is out of range (allowed: 1% to 819200%))"},
      {R"(limits.cpu = "819201%")",
       R"(4:14: app.web.limits.cpu: "819201%" is out of range (allowed: 1% to 819200%))"},
      {R"(limits.cpu = "1.5")",
       R"(4:14: app.web.limits.cpu: expected a share of one CPU such as "150%", found "1.5")"},
      {R"(limits.cpu = "%")",
       R"(4:14: app.web.limits.cpu: expected a share of one CPU such as "150%", found "%")"},
      {"limits.nofiles = 5", R"(4:8: app.web.limits.nofiles: unknown key (did you mean "nofile"?))"},
      {"limits = 5", "4:10: app.web.limits: expected a table, found integer"},
  });
}

TEST_CASE("limits: what they print is read back as the same") {
  for (const char* text : {R"("1024:4096")", "4096"}) {
    CHECK(OpenFilesValue::text(*limits("nofile = " + std::string(text)).nofile) == text);
  }
  for (const char* text : {R"("0")", R"("1MiB")", R"("unlimited")"}) {
    CHECK(CoreSize::text(*limits("core = " + std::string(text)).core) == text);
  }
  for (const char* text : {R"("realtime:0")", R"("best-effort:4")", R"("idle")"}) {
    CHECK(io_class_text(*limits("io_class = " + std::string(text)).io_class) == text);
  }
  for (const char* text : {R"("1%")", R"("150%")"}) {
    CHECK(cpu_share_text(*limits("cpu = " + std::string(text)).cpu) == text);
  }
  CHECK(umask_text(app_of(R"(umask = "7")").umask) == R"("007")");
  CHECK(groups_text(app_of(R"(supplementary_groups = "user")").supplementary_groups) == R"("user")");
  CHECK(groups_text(app_of(R"(supplementary_groups = [])").supplementary_groups) == "[]");
}

TEST_CASE("privileges: each value as it may be written") {
  CHECK(app_of(R"(umask = "0777")").umask == 0777);
  CHECK(app_of(R"(umask = "0")").umask == 0);
  using Names = std::vector<std::string>;
  CHECK(app_of(R"(supplementary_groups = ["adm", "4000"])").supplementary_groups == Names{"adm", "4000"});
  CHECK(app_of("no_new_privileges = true").no_new_privileges == true);
  CHECK(app_of("no_new_privileges = false").no_new_privileges == false);
  CHECK(app_of(R"(capabilities = ["cap_net_bind_service", "Chown", "CAP_KILL"])").capabilities ==
        Names{"CAP_NET_BIND_SERVICE", "CAP_CHOWN", "CAP_KILL"});
  CHECK(app_of("private_tmp = true").private_tmp);
  CHECK(app_of(R"(read_only = ["/etc", "data/../x"])").read_only ==
        std::vector<std::filesystem::path>{"/etc", "/etc/x"});
  CHECK(app_of(R"(read_only = "/")").read_only == std::vector<std::filesystem::path>{"/"});
}

TEST_CASE("privileges: what cannot be is refused with its place") {
  std::string many = "\"/0\"";
  for (int i = 1; i <= 64; ++i) many += ", \"/" + std::to_string(i) + "\"";
  check({
      {R"(umask = "1000")", R"(4:9: app.web.umask: "1000" is out of range (allowed: 000 to 777))"},
      {R"(umask = "0o22")", R"(4:9: app.web.umask: expected an octal mask such as "022", found "0o22")"},
      {R"(umask = "8")", R"(4:9: app.web.umask: expected an octal mask such as "022", found "8")"},
      {R"(umask = "")", R"(4:9: app.web.umask: expected an octal mask such as "022", found "")"},
      {R"(umask = "-22")", R"(4:9: app.web.umask: expected an octal mask such as "022", found "-22")"},
      {R"(umask = "00022")", R"(4:9: app.web.umask: expected an octal mask such as "022", found "00022")"},
      {"umask = 22", R"(4:9: app.web.umask: expected an octal mask such as "022", found integer)"},
      {R"(supplementary_groups = "adm")",
       R"(4:24: app.web.supplementary_groups: expected "user" or a list of groups, found "adm")"},
      {R"(supplementary_groups = ["a b"])",
       R"(4:25: app.web.supplementary_groups[0]: expected a group such as "www-data", found "a b")"},
      {R"(supplementary_groups = ["adm", "adm"])",
       R"(4:32: app.web.supplementary_groups[1]: "adm" is listed twice)"},
      {R"(no_new_privileges = "yes")",
       "4:21: app.web.no_new_privileges: expected true or false, found string"},
      {R"(capabilities = ["CAP_CHWON"])",
       R"(4:17: app.web.capabilities[0]: unknown capability "CAP_CHWON" (did you mean "CHOWN"?))"},
      {R"(capabilities = ["CAP_CHOWN", "chown"])",
       "4:30: app.web.capabilities[1]: CAP_CHOWN is listed twice"},
      {"capabilities = 3",
       R"(4:16: app.web.capabilities: expected a list such as ["CAP_NET_BIND_SERVICE"], found integer)"},
      {"private_tmp = 1", "4:15: app.web.private_tmp: expected true or false, found integer"},
      {R"(read_only = [""])", R"(4:14: app.web.read_only[0]: expected a path, found "")"},
      {"read_only = [" + many + "]", "4:13: app.web.read_only: expected at most 64 paths, found 65"},
  });
}

}  // namespace gracevisor::config
