// Units of systemd as configurations of ours.
#include "migrate/unit_words.h"
#include "unit/migrate/importing.h"

using namespace gracevisor;
using namespace gracevisor::migrate;
using namespace gracevisor::migrate::test;

namespace {

Imported from(const std::string& text, const std::map<std::string, std::string>& others = {},
              const std::string& name = "shop.service") {
  return imported(Foreign::systemd, "/etc/systemd/system/" + name, text, others);
}

std::string error_of(const std::string& text) {
  return refusal(Foreign::systemd, "/etc/systemd/system/shop.service", text);
}

config::App service(const std::string& keys) {
  return from("[Service]\nExecStart=/bin/a\n" + keys).config.apps.front();
}

Words command_of(const std::string& line, const std::string& keys = "") {
  return from("[Service]\n" + keys + "ExecStart=" + line + "\n").config.apps.front().command;
}

}  // namespace

TEST_CASE("systemd: each key of a service has the meaning that it had") {
  CHECK(service("WorkingDirectory=-/srv/%p\n").directory == "/srv/shop");
  CHECK(service("WorkingDirectory=~\n").directory == "/root");
  CHECK(service("User=a\nGroup=b\n").user == "a:b");
  CHECK(service("Environment=\"A=b c\" D=e\nEnvironment=F={g}\n").environment ==
        std::map<std::string, std::string>{{"A", "b c"}, {"D", "e"}, {"F", "{{g}}"}});
  CHECK(service("Environment=A=b\nEnvironment=\n").environment.empty());
  CHECK(service("EnvironmentFile=-/etc/x\n").environment_file ==
        std::vector<config::EnvironmentFile>{{"/etc/x", true}});
  CHECK(service("").restart.policy == config::Restart::Policy::never);
  CHECK(service("Restart=always\n").restart.policy == config::Restart::Policy::always);
  CHECK(service("Restart=on-abnormal\n").restart.policy == config::Restart::Policy::on_abnormal);
  CHECK(service("Restart=on-abort\n").restart.policy == config::Restart::Policy::on_abnormal);
  CHECK(service("Restart=on-failure\n").restart.success_exit_codes == std::vector{0});
  CHECK(service("SuccessExitStatus=143 2\n").restart.success_exit_codes == std::vector{0, 2, 143});
  CHECK(service("RestartSec=1min 30s\n").restart.backoff == base::Millis(90000));
  CHECK(service("TimeoutStopSec=infinity\n").stop.ladder.front().wait == base::Millis(86'400'000));
  CHECK(service("TimeoutStopSec=5\nTimeoutStopSec=7\n").stop.ladder.front().wait == base::Millis(7000));
  CHECK(service("KillSignal=SIGINT\n").stop.ladder.front().signal == 2);
  CHECK(service("KillMode=mixed\n").stop.scope == config::Stop::Scope::main);
  CHECK(service("KillMode=process\n").stop.leftover == config::Stop::Leftover::leave);
  CHECK(service("").stop.scope == config::Stop::Scope::group);
  CHECK(service("StandardOutput=append:/var/log/a\nStandardError=append:/var/log/a\n").log.out ==
        "/var/log/a");
  CHECK(service("StandardOutput=null\n").log.out == "/dev/null");
  CHECK(service("StandardOutput=journal\n").log.out == "journal");
  CHECK(service("StandardError=syslog\n").log.err == "journal");
  CHECK(!service("Type=forking\n").autostart);
  CHECK(service("Environment=PORT=3000\n").listen == Words{"*:3000"});
}

TEST_CASE("systemd: command lines are read by its own rules") {
  CHECK(command_of(R"(/bin/a "b c" 'd "e' f\x20g "h\"i" {j})") ==
        Words{"/bin/a", "b c", "d \"e", "f g", "h\"i", "{{j}}"});
  CHECK(command_of("-/bin/a") == Words{"/bin/a"});
  CHECK(command_of("@/bin/a zero one") == Words{"/bin/a", "one"});
  CHECK(command_of("+!/bin/a") == Words{"/bin/a"});
  CHECK(command_of(":/bin/a $B") == Words{"/bin/a", "$B"});
  CHECK(command_of("/bin/a %n %N %% $$B") == Words{"/bin/a", "shop.service", "shop", "%", "$B"});
  CHECK(command_of("/bin/a \\\n  # not this\n  b") == Words{"/bin/a", "b"});
  CHECK(command_of("/bin/a $B x${B}y", "Environment=\"B=c d\"\n") == Words{"/bin/a", "c", "d", "xc dy"});
  CHECK(command_of("/bin/a $B 'x y'${B}", "EnvironmentFile=/e\n") ==
        Words{"sh", "-c", "exec /bin/a $B 'x y'\"${{B}}\""});
  CHECK(command_of("\nExecStart=/bin/a\nExecStart=/bin/b 'c d'", "Type=oneshot\n") ==
        Words{"sh", "-c", "/bin/a && exec /bin/b 'c d'"});
  CHECK(command_of("/usr/bin/gunicorn -b unix:/run/a.sock a").back() == "a");
}

TEST_CASE("systemd: drop-ins beside the unit are followed in the order of their names") {
  Imported result = from("[Service]\nExecStart=/bin/a\nRestart=no\n",
                         {{"/etc/systemd/system/shop.service.d/20.conf", "[Service]\nRestart=always\n"},
                          {"/etc/systemd/system/shop.service.d/10.conf",
                           "[Service]\nExecStart=\nExecStart=/bin/b\nRestart=no\n"}});
  CHECK(result.app("shop").command == Words{"/bin/b"});
  CHECK(result.app("shop").restart.policy == config::Restart::Policy::always);
}

TEST_CASE("systemd: a package's unit has the host's drop-ins") {
  Imported result =
      imported(Foreign::systemd, "/lib/systemd/system/shop.service", "[Service]\nExecStart=/bin/a\n",
               {{"/etc/systemd/system/shop.service.d/x.conf", "[Service]\nUser=ada\n"}});
  CHECK(result.app("shop").user == "ada");
}

TEST_CASE("systemd: an instance's name is filled in, that of a template is a slot") {
  const std::string unit = "[Service]\nExecStart=/bin/a %i\nWorkingDirectory=/srv/%i\n";
  CHECK(from(unit, {}, "w@blue.service").app("w-blue").command == Words{"/bin/a", "blue"});
  Imported result = from(unit, {}, "w@.service");
  CHECK(result.app("w").command == Words{"/bin/a", "{slot}"});
  CHECK(result.says("WorkingDirectory=/srv/%i: %i has no value here"));
}

TEST_CASE("systemd: what has no counterpart is a comment with its line") {
  Imported result = from(
      "[Unit]\nDescription=x\nAfter=network.target\n[Service]\nExecStart=/bin/a\nExecStartPre=/bin/"
      "b\nLimitNOFILE=5\n"
      "ProtectHome=yes\nType=notify\n[Install]\nWantedBy=multi-user.target\n");
  CHECK(result.says("# shop.service:3: After=network.target: no order"));
  CHECK(result.says("# shop.service:6: ExecStartPre=/bin/b: no command runs before the start"));
  CHECK(result.says("# shop.service:7: LimitNOFILE=5: limits.nofile"));
  CHECK(result.says("# shop.service:8: ProtectHome=yes: no such sandbox"));
  CHECK(result.says("# shop.service:9: Type=notify: an app is ready"));
  CHECK(!result.says("Description"));
}

TEST_CASE("systemd: a unit that cannot be read whole is refused") {
  CHECK(error_of("[Unit]\nDescription=x\n").find("no [Service] in it") != std::string::npos);
  CHECK(error_of("[Service]\nUser=x\n") == "shop.service: no ExecStart= in it");
  CHECK(error_of("[Service]\nExecStart=/bin/a \"b\n").find("the quote \" is not closed") !=
        std::string::npos);
  CHECK(error_of("[Service]\nUser=x\nExecStart=/bin/a %h\n").find("%h has no value here") !=
        std::string::npos);
  CHECK(error_of("ExecStart=/bin/a\n") == "shop.service:1: expected [Section] or Key=value");
}

TEST_CASE("systemd: time spans") {
  CHECK(read_time_span("90") == base::Millis(90000));
  CHECK(read_time_span("1h 2min 3s 4ms") == base::Millis(3'723'004));
  CHECK(read_time_span("1.5s") == base::Millis(1500));
  CHECK(read_time_span("infinity") == base::Millis::max());
  CHECK(read_time_span("9999999999999999h") == base::Millis::max());
  CHECK(!read_time_span("soon").has_value());
  CHECK(!read_time_span("").has_value());
  CHECK(!read_time_span("5 parsecs").has_value());
}
