#include "gvctl/parser.h"

namespace gracevisor::gvctl {
namespace {

constexpr std::string_view kFooter =
    "A selector SEL is web, web@43 (a generation), web@43.1 (an instance); APP may be 'worker-*' or all.\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 no daemon, 4 no such app, 5 busy, 6 aborted, 7 not\n"
    "permitted, 8 some failed, 9 preflight, 10 exited before healthy, 11 health timeout, 13 rolled back,\n"
    "14 the answer is no, 124 the wait ended first.";

}  // namespace

Parser::Parser() {
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(std::string(kFooter));
  app.set_version_flag("--version", "gvctl " GV_VERSION);
  app.add_option("--socket", line.socket, "the daemon's control socket (env GRACEVISOR_SOCKET)")
      ->type_name("PATH");
  app.add_option("-c,--config", line.config, "the daemon's configuration, which tells the socket")
      ->type_name("FILE");
  app.add_flag("--json", line.json, "machine-readable output: JSON, one object per line");
  add_looks();
  add_logs();
  add_deploys();
  add_runs();
  add_daemon();
}

void Parser::add_looks() {
  auto* status = add(Verb::status, Takes::apps, "status", {"ls", "ps"}, "show apps and their instances");
  status->add_option("APP", selectors, "apps, with their instances; without any, all apps");
  status->add_flag("-v,--verbose", line.verbose, "show the instances of all apps, too");
  status->add_flag("-w,--watch", line.watch, "show it again every 2 s, until Ctrl-C");
  status->add_flag("--exit-code", line.exit_code, "exit 14 if anything that should run does not");
  auto* history = add(Verb::history, Takes::one_of_app, "history", {},
                      "show the last commands of an app, or the whole reports of a generation");
  take_one(*history, "APP[@GEN]", "an app, or one of its generations");
  auto* environment =
      add(Verb::environment, Takes::one_app, "env", {}, "show the environment of an app's processes");
  take_one(*environment, "APP", "an app");
  environment->add_flag("--unmask", line.unmask, "show the values that the configuration chose, too");
  auto* show = add(Verb::show, Takes::one_app, "show", {},
                   "show the settings that an app runs with, and where each comes from");
  take_one(*show, "APP", "an app");
  show->add_flag("--all", line.all, "show what is as by default, too");
  auto* check = add(Verb::check, Takes::nothing, "check", {},
                    "have the daemon check its configuration files as they are now");
  check->add_flag("--strict", line.strict, "exit 2 if there are warnings, too");
  auto* schema =
      add(Verb::schema, Takes::nothing, "schema", {}, "print the JSON Schema of what gvctl --json prints");
  schema->add_option("NAME", line.word,
                     "status, report, logs, history, environment, settings, check, version or error");
  auto* names = add(Verb::names, Takes::nothing, "names", {}, "list the names of apps, for completion");
  names->add_flag("--generations", line.generations, "and those of their generations and instances");
  names->group("");
}

void Parser::add_logs() {
  auto* logs = add(Verb::logs, Takes::instances, "logs", {"tail"}, "show what apps wrote");
  logs->add_option("SEL", selectors, "apps, generations or instances; without any, all apps");
  logs->add_flag("-f,--follow", line.logs.follow, "go on as more is written, also over a daemon's restart");
  logs->add_option_function<std::uint32_t>(
          "-n,--lines", [this](std::uint32_t lines) { line.logs.lines = lines; },
          "how many lines of the past, of each app (100; of several apps 20)")
      ->type_name("N")
      ->check(CLI::Range(0U, 100000U));
  logs->add_flag("-t,--time", line.logs.time, "show when each line was written");
  logs->add_option("--since", since, "only what was written since: 10m, 14:30, 2026-11-29T19:01:02Z")
      ->type_name("TIME");
  logs->add_option("--until", log_until, "only what was written until then")->type_name("TIME");
  logs->add_option("--grep", line.logs.grep, "only lines with this text, which is no pattern")
      ->type_name("TEXT");
  logs->add_flag("--stderr", line.logs.only_stderr, "only what was written to standard error");
  logs->add_flag("--access", access, "the access logs of the apps instead");
  logs->add_flag("--daemon", daemon, "the daemon's own log instead");
}

void Parser::add_deploys() {
  auto* deploy = add(Verb::deploy, Takes::apps, "deploy", {"restart"},
                     "start a new generation, and switch to it once it is healthy");
  take_apps(*deploy);
  deploy->add_flag("--dry-run", line.dry_run, "only say what would be done");
  deploy->add_flag("--no-wait", line.no_wait, "return as soon as the daemon has begun");
  deploy->add_option("--until", until, "return at the cutover; the guard goes on without gvctl")
      ->type_name("cutover")
      ->check(CLI::IsMember({"cutover"}));
  take_apps(*add(Verb::abort, Takes::apps, "abort", {}, "undo the deploy that is under way"));
  auto* attach = add(Verb::attach, Takes::one_app, "attach", {},
                     "follow the command that is under way for an app, from its beginning");
  take_one(*attach, "APP", "an app");
  auto* wait = add(Verb::wait, Takes::apps, "wait", {},
                   "wait until nothing is under way for apps, and exit as the last command did");
  take_apps(*wait);
  wait->add_option("--timeout", timeout, "at most so long, then exit 124")->type_name("DURATION");
  auto* reload =
      add(Verb::reload, Takes::apps, "reload", {}, "put the changed configuration into force, as a whole");
  reload->add_option("APP", selectors, "apps; without any, all of them, and the daemon's own keys");
  reload->add_flag("--dry-run", line.dry_run, "only say what would be done");
  reload->add_flag("--remove", line.remove, "drain, stop and forget apps that the files no longer have");
  reload->add_flag("--no-wait", line.no_wait,
                   "return as soon as the files are checked and the daemon has begun");
}

void Parser::add_runs() {
  auto* start = add(Verb::start, Takes::apps, "start", {}, "start stopped apps, as the files now say");
  take_apps(*start);
  start->add_flag("--same", line.same, "as they were stopped, whatever the files say");
  auto* stop = add(Verb::stop, Takes::apps, "stop", {},
                   "let apps finish their requests, then stop them until a start or deploy");
  take_apps(*stop);
  stop->add_flag("--now", line.now, "do not wait for requests to finish");
  auto* kill = add(Verb::kill, Takes::instances, "kill", {},
                   "SIGKILL at once; an app then stays stopped, an instance is replaced");
  take_instances(*kill);
  auto* signal = add(Verb::signal, Takes::instances, "signal", {},
                     "send a signal to the main processes of instances; nothing else changes");
  signal->add_option("SIGNAL", line.word, "its name or number")->required();
  take_instances(*signal);
  signal->add_flag("--group", line.group, "to every process of the instance's group");
  signal->add_flag("--force", line.force, "suspend even what serves");
  auto* scale = add(Verb::scale, Takes::one_app, "scale", {},
                    "change the number of instances, until the files give another one");
  take_one(*scale, "APP", "an app");
  scale->add_option("N", line.word, "how many, +N more, -N fewer, or \"file\": as the files say")->required();
}

void Parser::add_daemon() {
  auto* upgrade = add(Verb::upgrade, Takes::nothing, "upgrade", {},
                      "have another gracevisord take over, without losing a request or a connection");
  upgrade
      ->add_option_function<std::string>(
          "--to", [this](const std::string& path) { line.to = path; },
          "this program; without it, the one that is where the daemon's was")
      ->type_name("PATH");
  upgrade->add_flag("--wait", line.wait, "wait until nothing is in the way, such as a deploy");
  upgrade->add_option("--timeout", timeout, "wait so long at most (5m)")->type_name("DURATION");
  upgrade->add_flag("--now", line.now, "end the daemon that an earlier upgrade has left, if it still drains");
  auto* shutdown = add(Verb::shutdown, Takes::nothing, "shutdown", {}, "stop all apps, then the daemon");
  shutdown->add_flag("--no-wait", line.no_wait, "return as soon as the daemon has begun");
  add(Verb::version, Takes::nothing, "version", {}, "show the versions of gvctl and of the daemon");
}

CLI::App* Parser::add(Verb verb, Takes what, const std::string& name, const std::vector<std::string>& aliases,
                      const std::string& description) {
  CLI::App* command = app.add_subcommand(name, description);
  for (const std::string& alias : aliases) command->alias(alias);
  command->callback([this, verb, what] {
    line.verb = verb;
    takes = what;
  });
  return command;
}
void Parser::take_apps(CLI::App& command) {
  command.add_option("APP", selectors, "apps")->required();
}
void Parser::take_instances(CLI::App& command) {
  command.add_option("SEL", selectors, "apps, generations or instances")->required();
}
void Parser::take_one(CLI::App& command, const std::string& name, const std::string& what) {
  command
      .add_option_function<std::string>(
          name, [this](const std::string& given) { selectors = {given}; }, what)
      ->required();
}

}  // namespace gracevisor::gvctl
