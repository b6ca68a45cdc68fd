#include "gvctl/command_line.h"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "control/exit_code.h"

namespace gracevisor::gvctl {
namespace {

constexpr int kUsage = static_cast<int>(control::ExitCode::usage);

constexpr std::string_view kFooter =
    "A selector SEL is web, web@43 (a generation), web@43.1 (an instance); APP may be 'worker-*' or all.\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 no daemon, 4 no such app, 5 busy, 6 aborted, 7 not\n"
    "permitted, 8 some failed, 9 preflight, 10 exited before healthy, 11 health timeout, 13 rolled back,\n"
    "124 the deploy goes on.";

// The parser, and what it fills.
struct Parser {
  CommandLine line;
  std::vector<std::string> selectors;
  CLI::App app{"gvctl: talks to gracevisord", "gvctl"};

  Parser() {
    app.require_subcommand(1);
    app.fallthrough();
    app.footer(std::string(kFooter));
    app.set_version_flag("--version", "gvctl " GV_VERSION);
    app.add_option("--socket", line.socket, "the daemon's control socket (env GRACEVISOR_SOCKET)")
        ->type_name("PATH");
    app.add_flag("--json", line.json, "machine-readable output: JSON, one object per line");

    auto* status = add(Verb::status, "status", {"ls", "ps"}, "show apps and their instances");
    status->add_option("APP", selectors, "apps; without any, all of them");
    auto* deploy = add(Verb::deploy, "deploy", {"restart"},
                       "start a new generation, and switch to it once it is healthy");
    take_apps(*deploy);
    deploy->add_flag("--no-wait", line.no_wait, "return as soon as the daemon has begun");
    take_apps(*add(Verb::abort, "abort", {}, "undo the deploy that is under way"));
    take_apps(*add(Verb::start, "start", {}, "start stopped apps"));
    auto* stop =
        add(Verb::stop, "stop", {}, "let apps finish their requests, then stop them until a start or deploy");
    take_apps(*stop);
    stop->add_flag("--now", line.now, "do not wait for requests to finish");
    auto* logs = add(Verb::logs, "logs", {"tail"}, "show what an app wrote");
    logs->add_option("SEL", selectors, "an app, one of its generations or instances")
        ->required()
        ->expected(1);
    logs->add_flag("-f,--follow", line.follow, "go on as more is written");
    logs->add_option("-n,--lines", line.lines, "how many lines of the past")
        ->type_name("N")
        ->check(CLI::Range(0U, 1000000U))
        ->capture_default_str();
    logs->add_flag("-t,--time", line.time, "show when each line was written");
    add(Verb::shutdown, "shutdown", {}, "stop all apps, then the daemon");
    add(Verb::version, "version", {}, "show the versions of gvctl and of the daemon");
  }

 private:
  CLI::App* add(Verb verb, const std::string& name, const std::vector<std::string>& aliases,
                const std::string& description) {
    CLI::App* command = app.add_subcommand(name, description);
    for (const std::string& alias : aliases) command->alias(alias);
    command->callback([this, verb] { line.verb = verb; });
    return command;
  }
  void take_apps(CLI::App& command) { command.add_option("APP", selectors, "apps")->required(); }
};

Ending usage_error(const std::string& what) {
  return Ending{kUsage, "gvctl: " + what + "\nRun gvctl --help for more information.\n"};
}

// Which commands understand web@43, and which only whole apps.
std::expected<std::vector<Selector>, Ending> check_selectors(Verb verb,
                                                             const std::vector<std::string>& texts) {
  std::vector<Selector> selectors;
  for (const std::string& text : texts) {
    auto selector = parse_selector(text);
    if (!selector) return std::unexpected(usage_error(selector.error().what));
    if (verb == Verb::logs && selector->names_many()) {
      return std::unexpected(usage_error("logs shows one app at a time"));
    }
    if (verb != Verb::logs && !selector->whole_app()) {
      return std::unexpected(
          usage_error("\"" + text + "\": this command takes whole apps, such as " + selector->app));
    }
    selectors.push_back(std::move(*selector));
  }
  return selectors;
}

void add_words(const CLI::App& app, std::vector<std::string>& words) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
}

}  // namespace

std::expected<CommandLine, Ending> parse_command_line(const std::vector<std::string>& arguments,
                                                      const std::string& environment_socket) {
  Parser parser;
  try {
    // CLI11 takes them last one first.
    parser.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(Ending{0, parser.app.help()});
  } catch (const CLI::CallForVersion& version) {
    return std::unexpected(Ending{0, std::string(version.what()) + "\n"});
  } catch (const CLI::Error& error) {
    return std::unexpected(usage_error(error.what()));
  }
  auto selectors = check_selectors(parser.line.verb, parser.selectors);
  if (!selectors) return std::unexpected(selectors.error());
  parser.line.selectors = std::move(*selectors);
  if (parser.line.socket.empty()) parser.line.socket = environment_socket;
  return parser.line;
}

std::map<std::string, std::vector<std::string>> command_words() {
  Parser parser;
  std::map<std::string, std::vector<std::string>> words;
  add_words(parser.app, words[""]);
  for (const CLI::App* command : parser.app.get_subcommands({})) {
    auto& own = words[command->get_name()];
    add_words(*command, own);
    for (const std::string& alias : command->get_aliases()) words[alias] = own;
  }
  return words;
}

}  // namespace gracevisor::gvctl
