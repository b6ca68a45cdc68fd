// PM2's files as configurations of ours.
#include "unit/migrate/importing.h"

using namespace gracevisor;
using namespace gracevisor::migrate;
using namespace gracevisor::migrate::test;

namespace {

Imported from(const std::string& text, const std::map<std::string, std::string>& others = {}) {
  return imported(Foreign::pm2, "/srv/shop/ecosystem.json", text, others);
}

std::string error_of(const std::string& text) {
  return refusal(Foreign::pm2, "/srv/shop/ecosystem.json", text);
}

config::App app(const std::string& members) {
  return from(R"({"apps": [{"name": "a", "script": "a.js")" + members + "}]}").config.apps.front();
}

}  // namespace

TEST_CASE("PM2: each key of an app has the meaning that it had") {
  CHECK(app("").command == Words{"node", "a.js"});
  CHECK(app("").directory == "/srv/shop");
  CHECK(app("").stop.ladder.front().signal == 2);
  CHECK(app(R"(, "args": "x 'y z'")").command == Words{"node", "a.js", "x", "y z"});
  CHECK(app(R"(, "args": ["{x}", 5])").command == Words{"node", "a.js", "{{x}}", "5"});
  CHECK(app(R"(, "interpreter": "none")").command == Words{"a.js"});
  CHECK(app(R"(, "interpreter": "deno", "interpreter_args": "run")").command == Words{"deno", "run", "a.js"});
  CHECK(app(R"(, "cwd": "../web")").directory == "/srv/web");
  CHECK(app(R"(, "instances": 3)").instances == 3);
  CHECK(app(R"(, "instances": "max")").instances == 4);
  CHECK(app(R"(, "instances": -1)").instances == 3);
  CHECK(app(R"(, "autorestart": false)").restart.policy == config::Restart::Policy::never);
  CHECK(app(R"(, "stop_exit_codes": [0, 4])").restart.policy == config::Restart::Policy::on_failure);
  CHECK(app(R"(, "stop_exit_codes": [0, 4])").restart.success_exit_codes == std::vector{0, 4});
  CHECK(app(R"(, "stop_exit_codes": 5)").restart.success_exit_codes == std::vector{5});
  CHECK(app(R"(, "max_restarts": 10)").restart.max_failures == 10);
  CHECK(app(R"(, "min_uptime": "5s")").restart.stable_after == base::Millis(5000));
  CHECK(app(R"(, "restart_delay": 40000)").restart.backoff_max == base::Millis(40000));
  CHECK(app(R"(, "exp_backoff_restart_delay": 60000)").restart.backoff == base::Millis(60000));
  CHECK(app(R"(, "kill_timeout": 3000)").stop.ladder.front().wait == base::Millis(3000));
  CHECK(app(R"(, "treekill": false)").stop.scope == config::Stop::Scope::main);
  CHECK(app(R"(, "uid": "www-data", "gid": "web")").user == "www-data:web");
  CHECK(app(R"(, "out_file": "logs/a.log")").log.out == "/srv/shop/logs/a.log");
  CHECK(app(R"(, "error_file": "/dev/null")").log.err == "/dev/null");
  CHECK(app(R"(, "env": {"A": "{b}", "N": 5, "T": true})").environment ==
        std::map<std::string, std::string>{{"A", "{{b}}"}, {"N", "5"}, {"T", "true"}});
}

TEST_CASE("PM2: PORT in env is where clients come, and no variable any more") {
  config::App web = app(R"(, "env": {"PORT": 3000, "A": "b"})");
  CHECK(web.endpoint == config::EndpointKind::port);
  CHECK(web.listen == Words{"*:3000"});
  CHECK(web.environment == std::map<std::string, std::string>{{"A", "b"}});
  CHECK(app("").endpoint == config::EndpointKind::none);
}

TEST_CASE("PM2: a port of the usual range moves the range of the instances") {
  Imported result = from(R"({"script": "a.js", "env": {"PORT": 20500}})");
  CHECK(result.config.daemon.port_range.first.value() == 10000);
}

TEST_CASE("PM2: interpreters follow the script's ending, and scripts are found as PM2 finds them") {
  CHECK(from(R"({"script": "a.py"})").config.apps[0].command == Words{"python3", "a.py"});
  CHECK(from(R"({"script": "npm", "args": "start"})").config.apps[0].command == Words{"npm", "start"});
  CHECK(from(R"({"script": "serve"})", {{"/srv/shop/serve", ""}}).config.apps[0].command == Words{"./serve"});
  CHECK(from(R"({"script": "bun run a.ts"})").config.apps[0].command == Words{"bun", "run", "a.ts"});
  CHECK(from(R"({"script": "a && b"})").config.apps[0].command == Words{"sh", "-c", "a && exec b"});
}

TEST_CASE("PM2: what has no counterpart is a comment with its value") {
  Imported result =
      from(R"({"apps": [{"script": "a.js", "max_memory_restart": "1G", "watch": ["src"], "time": false,
    "env_production": {"A": "b"}, "cron_restart": "0 3 * * *", "exec_mode": "cluster"}], "deploy": {}})");
  CHECK(result.says(R"(# ecosystem.json: apps[0].max_memory_restart=1G: no limit of memory)"));
  CHECK(result.says(R"(# ecosystem.json: apps[0].watch=["src"]: nothing is watched)"));
  CHECK(result.says(R"(# ecosystem.json: apps[0].env_production={"A":"b"}: what --env production adds)"));
  CHECK(result.says(R"(# ecosystem.json: apps[0].cron_restart=0 3 * * *: no schedule)"));
  CHECK(result.says(R"(# ecosystem.json: apps[0].exec_mode=cluster: each instance)"));
  CHECK(result.says(R"(# ecosystem.json: deploy={}: gvctl deploy)"));
  CHECK(!result.says(".time="));
}

TEST_CASE("PM2: a file that cannot be read whole is refused") {
  CHECK(error_of("{\"apps\": [,]}").find("ecosystem.json: no JSON") == 0);
  CHECK(error_of("{\"apps\": []}") == "ecosystem.json: no apps in it");
  CHECK(error_of("{\"apps\": [5]}") == "ecosystem.json: apps[0]: expected an object with a script");
  CHECK(error_of("{\"apps\": [{}]}") == "ecosystem.json: apps[0]: an app needs a script");
  CHECK(error_of(std::string(100'000, '[')).find("nested deeper") != std::string::npos);
  CHECK(error_of("{\"script\": \"a.js\", \"x\": " + std::string(500, '[') + std::string(500, ']') + "}")
            .find("nested") != std::string::npos);
}
