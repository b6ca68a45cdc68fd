// supervisord's files as configurations of ours.
#include "unit/migrate/importing.h"

using namespace gracevisor;
using namespace gracevisor::migrate;
using namespace gracevisor::migrate::test;

namespace {

Imported from(const std::string& text, const std::map<std::string, std::string>& others = {}) {
  return imported(Foreign::supervisord, "/etc/supervisor/supervisord.conf", text, others);
}

std::string error_of(const std::string& text, const std::map<std::string, std::string>& others = {}) {
  return refusal(Foreign::supervisord, "/etc/supervisor/supervisord.conf", text, others);
}

config::App program(const std::string& keys) {
  return from("[program:a]\ncommand=/bin/a\n" + keys).app("a");
}

}  // namespace

TEST_CASE("supervisord: each key of a program has the meaning that it had") {
  CHECK(program("directory=/srv\n").directory == "/srv");
  CHECK(program("user=www-data\n").user == "www-data");
  CHECK(!program("autostart=false\n").autostart);
  CHECK(program("").restart.policy == config::Restart::Policy::on_failure);
  CHECK(program("autorestart=unexpected\n").restart.policy == config::Restart::Policy::on_failure);
  CHECK(program("autorestart=true\n").restart.policy == config::Restart::Policy::always);
  CHECK(program("autorestart=no\n").restart.policy == config::Restart::Policy::never);
  CHECK(program("exitcodes=2, 0,2\n").restart.success_exit_codes == std::vector{0, 2});
  CHECK(program("exitcodes=3\n").restart.success_exit_codes == std::vector{3});
  CHECK(program("exitcodes=3\nautorestart=true\n").restart.success_exit_codes == std::vector{0});
  CHECK(program("startsecs=7\n").restart.stable_after == base::Millis(7000));
  CHECK(program("startsecs=7\n").deploy.settle == base::Millis(7000));
  CHECK(program("startretries=3\n").restart.max_failures == 4);
  CHECK(program("stopsignal=QUIT\n").stop.ladder.front().signal == 3);
  CHECK(program("stopwaitsecs=60\n").stop.ladder.front().wait == base::Millis(60000));
  CHECK(program("").stop.scope == config::Stop::Scope::main);
  CHECK(program("stopasgroup=true\n").stop.scope == config::Stop::Scope::group);
  CHECK(program("numprocs=3\nprocess_name=%(process_num)s\n").instances == 3);
  CHECK(program("stdout_logfile=/var/log/a.log\n").log.out == "/var/log/a.log");
  CHECK(program("stdout_logfile=syslog\n").log.out == "syslog");
  CHECK(program("stdout_logfile=NONE\n").log.out == "/dev/null");
  CHECK(program("stdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\n").log.out == "inherit");
  CHECK(program("stderr_logfile=/var/log/a.err\n").log.err == "/var/log/a.err");
  CHECK(program("redirect_stderr=true\nstderr_logfile=/var/log/a.err\n").log.err == "stdout");
  CHECK(program("stdout_logfile_maxbytes=20MB\n").log.max_size == 20ULL << 20);
  CHECK(program("stdout_logfile_backups=2\n").log.keep == 2);
  CHECK(program("environment=A=\"x, y\",B='{z}'\n").environment ==
        std::map<std::string, std::string>{{"A", "x, y"}, {"B", "{{z}}"}});
}

TEST_CASE("supervisord: what has no counterpart is a comment with its line") {
  Imported result = from(
      "[unix_http_server]\nfile=/run/s.sock\n[program:a]\ncommand=/bin/a\npriority=5\numask=027\nodd=1\n");
  CHECK(result.says("# supervisord.conf:5: priority=5: no order of starts"));
  CHECK(result.says("# supervisord.conf:6: umask=027: umask = "));
  CHECK(result.says("# supervisord.conf:7: odd=1: supervisord has no such key"));
  CHECK(result.says("# supervisord.conf:1: [unix_http_server]: gvctl"));
}

TEST_CASE("supervisord: files are read as Python's ConfigParser reads them") {
  // Indented keys, continued values, both signs, comments in and behind lines.
  Imported result = from(
      "[program:a]\n  command : /bin/a\n    one ; two\n\n    three\n  # comment\n  AutoStart = false\n"
      "[program:a]\ndirectory=/old\ndirectory=/new#1 #2\n");
  CHECK(result.app("a").command == Words{"/bin/a", "one", "three"});
  CHECK(!result.app("a").autostart);
  CHECK(result.app("a").directory == "/new#1");
}

TEST_CASE("supervisord: names in percent signs are filled in, from the environment too") {
  Imported result = from(
      "[program:a]\ncommand=/bin/a %(program_name)s %(here)s %(ENV_REGION)s %(ENV_OWN)s 100%% "
      "%(host_node_name)s\n"
      "environment=OWN=\"mine\"\n");
  CHECK(result.app("a").command ==
        Words{"/bin/a", "a", "/etc/supervisor", "north", "mine", "100%", "alpha.example.com"});
  CHECK(error_of("[program:a]\ncommand=/bin/a %(ENV_NONE)s\n") ==
        "supervisord.conf:2: command=/bin/a %(ENV_NONE)s: NONE is not set here: give it as supervisord has "
        "it, NONE=... "
        "gracevisord --import ...");
  CHECK(error_of("[program:a]\ncommand=/bin/a 5%\n").find("a lone %") != std::string::npos);
}

TEST_CASE("supervisord: a known server's address becomes the listener") {
  Imported result = from("[program:a]\ncommand=gunicorn -w 2 -b 0.0.0.0:8000 a:app\n");
  CHECK(result.app("a").command == Words{"gunicorn", "-w", "2", "-b", "127.0.0.1:{port}", "a:app"});
  CHECK(result.app("a").endpoint == config::EndpointKind::port);
  REQUIRE(result.app("a").listen.size() == 1);
  CHECK(result.app("a").listen[0] == "0.0.0.0:8000");
}

TEST_CASE("supervisord: processes that differ in their port are instances of one app") {
  Imported result = from(
      "[program:a]\ncommand=uvicorn a:app --port 80%(process_num)02d\nnumprocs=2\nnumprocs_start=3\n"
      "process_name=%(process_num)s\n");
  CHECK(result.app("a").instances == 2);
  CHECK(result.app("a").listen == Words{"127.0.0.1:8003", "127.0.0.1:8004"});
}

TEST_CASE("supervisord: processes that differ otherwise are an app each") {
  Imported result =
      from("[program:a]\ncommand=/bin/a %(process_num)d\nnumprocs=2\nprocess_name=%(process_num)s\n");
  REQUIRE(result.config.apps.size() == 2);
  CHECK(result.app("a-0").command == Words{"/bin/a", "0"});
  CHECK(result.app("a-1").command == Words{"/bin/a", "1"});
}

TEST_CASE("supervisord: two apps share neither a port nor a log") {
  Imported result = from(
      "[program:a]\ncommand=gunicorn -b :80 a\nstdout_logfile=/l\n[program:b]\ncommand=gunicorn -b :80 "
      "b\nstdout_logfile=/l\n");
  CHECK(result.app("b").endpoint == config::EndpointKind::none);
  CHECK(result.app("b").log.out.empty());
  CHECK(result.says("another one above has this file"));
}

TEST_CASE("supervisord: included files are followed, and have their own folder as here") {
  Imported result =
      from("[include]\nfiles = conf.d/*.conf none/*.ini\n[program:a]\ncommand=/bin/a\n",
           {{"/etc/supervisor/conf.d/b.conf", "[program:b]\ncommand=%(here)s/b\n[include]\nfiles=x\n"}});
  CHECK(result.app("b").command == Words{"/etc/supervisor/conf.d/b"});
  CHECK(result.says("/etc/supervisor/none/*.ini: there is no such file"));
  CHECK(error_of("[include]\nfiles=b.conf\n", {{"/etc/supervisor/b.conf", "[program:b\xff]\n"}})
            .find("no UTF-8") != std::string::npos);
}

TEST_CASE("supervisord: a file that cannot be read whole is refused with its line") {
  CHECK(error_of("[program:a]\ncommand\n") == "supervisord.conf:2: expected [section] or key=value");
  CHECK(error_of("[program:a]\ndirectory=/x\n") ==
        "supervisord.conf:1: [program:a]: a program needs a command");
  CHECK(error_of("[program:a]\ncommand='x\n") == "supervisord.conf:2: command='x: the quote ' is not closed");
  CHECK(error_of("[program:a]\ncommand=x\nautostart=maybe\n") ==
        "supervisord.conf:3: autostart=maybe: expected true or false");
  CHECK(error_of("[program:a]\ncommand=x\nstopsignal=NOPE\n")
            .starts_with("supervisord.conf:3: stopsignal=NOPE: "));
  CHECK(error_of("[program:a]\ncommand=x\nnumprocs=9999\n") ==
        "supervisord.conf:1: [program:a]: numprocs is from 1 to 1000 here");
  CHECK(error_of("[supervisord]\n") == "supervisord.conf: no [program:NAME] in it");
  CHECK(error_of("[include]\nfiles=/x/*.conf\n") ==
        "supervisord.conf: no [program:NAME] in it; /x/*.conf: there is no such file");
}
