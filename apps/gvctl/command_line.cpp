#include "gvctl/command_line.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>

#include "config/values.h"
#include "control/exit_code.h"
#include "gvctl/unknown_command.h"
#include "gvctl/when.h"

namespace gracevisor::gvctl {
namespace {

constexpr int kUsage = static_cast<int>(control::ExitCode::usage);

constexpr std::string_view kFooter =
    "A selector SEL is web, web@43 (a generation), web@43.1 (an instance); APP may be 'worker-*' or all.\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 no daemon, 4 no such app, 5 busy, 6 aborted, 7 not\n"
    "permitted, 8 some failed, 9 preflight, 10 exited before healthy, 11 health timeout, 13 rolled back,\n"
    "14 the answer is no, 124 the wait ended first.";

// What a command may be given to say what it applies to.
enum class Takes { nothing, one_app, apps, one_of_app, instances };

// The parser, and what it fills.
struct Parser {
  CommandLine line;
  Takes takes = Takes::nothing;
  std::vector<std::string> selectors;
  std::string until;
  std::string timeout;
  std::string since;
  std::string log_until;
  bool access = false;
  bool daemon = false;
  CLI::App app{"gvctl: talks to gracevisord", "gvctl"};

  Parser() {
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

 private:
  void add_looks() {
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

  void add_logs() {
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

  void add_deploys() {
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

  void add_runs() {
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
    scale->add_option("N", line.word, "how many, +N more, -N fewer, or \"file\": as the files say")
        ->required();
  }

  void add_daemon() {
    auto* shutdown = add(Verb::shutdown, Takes::nothing, "shutdown", {}, "stop all apps, then the daemon");
    shutdown->add_flag("--no-wait", line.no_wait, "return as soon as the daemon has begun");
    add(Verb::version, Takes::nothing, "version", {}, "show the versions of gvctl and of the daemon");
  }

  CLI::App* add(Verb verb, Takes what, const std::string& name, const std::vector<std::string>& aliases,
                const std::string& description) {
    CLI::App* command = app.add_subcommand(name, description);
    for (const std::string& alias : aliases) command->alias(alias);
    command->callback([this, verb, what] {
      line.verb = verb;
      takes = what;
    });
    return command;
  }
  void take_apps(CLI::App& command) { command.add_option("APP", selectors, "apps")->required(); }
  void take_instances(CLI::App& command) {
    command.add_option("SEL", selectors, "apps, generations or instances")->required();
  }
  void take_one(CLI::App& command, const std::string& name, const std::string& what) {
    command
        .add_option_function<std::string>(
            name, [this](const std::string& given) { selectors = {given}; }, what)
        ->required();
  }
};

Ending usage_error(const std::string& what) {
  return Ending{kUsage, "gvctl: " + what + "\nRun gvctl --help for more information.\n"};
}

std::optional<std::string> misfit(Takes takes, const Selector& selector, const std::string& text) {
  const bool one = takes == Takes::one_app || takes == Takes::one_of_app;
  if (one && selector.names_many()) return fmt::format("\"{}\": this command takes one app", text);
  const bool whole = takes == Takes::apps || takes == Takes::one_app;
  if (whole && !selector.whole_app()) {
    return fmt::format("\"{}\": this command takes whole apps, such as {}", text, selector.app);
  }
  if (takes == Takes::one_of_app && selector.slot) {
    return fmt::format("\"{}\": this command takes an app or a generation, such as {}@{}", text, selector.app,
                       *selector.generation);
  }
  return std::nullopt;
}

std::expected<std::vector<Selector>, Ending> check_selectors(const Parser& parser) {
  std::vector<Selector> selectors;
  for (const std::string& text : parser.selectors) {
    auto selector = parse_selector(text);
    if (!selector) return std::unexpected(usage_error(selector.error().what));
    if (auto wrong = misfit(parser.takes, *selector, text)) {
      return std::unexpected(usage_error(*wrong));
    }
    selectors.push_back(std::move(*selector));
  }
  return selectors;
}

bool is_count(std::string_view text) {
  const bool sign = text.starts_with('+') || text.starts_with('-');
  const std::string_view digits = text.substr(sign ? 1 : 0);
  return !digits.empty() && digits.size() <= 6 &&
         digits.find_first_not_of("0123456789") == std::string_view::npos;
}

// "-1" is no option, but CLI11 would take it for one: it goes behind "--".
std::vector<std::string> with_negative_last(std::vector<std::string> arguments) {
  if (std::ranges::find(arguments, "scale") == arguments.end()) return arguments;
  auto negative = std::ranges::find_if(
      arguments, [](const std::string& word) { return word.starts_with('-') && is_count(word); });
  if (negative == arguments.end()) return arguments;
  std::string word = std::move(*negative);
  arguments.erase(negative);
  if (std::ranges::find(arguments, "--") == arguments.end()) arguments.emplace_back("--");
  arguments.push_back(std::move(word));
  return arguments;
}

// What is asked for twice, or of what does not have it.
std::optional<std::string> contradiction(const Parser& parser) {
  const LogOptions& logs = parser.line.logs;
  if (parser.access && parser.daemon) return "--access and --daemon are two logs: give one";
  if (parser.daemon && !parser.selectors.empty()) return "--daemon takes no apps";
  if (logs.only_stderr && (parser.access || parser.daemon)) return "--stderr is of what apps write";
  if (logs.follow && parser.access) return "--access cannot be followed: tail -F follows its file";
  if (logs.follow && !parser.log_until.empty()) return "--follow has no end: leave --until out";
  const bool instance =
      std::ranges::any_of(parser.selectors, [](const std::string& text) { return text.contains('@'); });
  if (parser.access && instance) return "--access takes whole apps";
  return std::nullopt;
}

std::optional<Ending> finish_logs(Parser& parser) {
  if (auto wrong = contradiction(parser)) return usage_error("logs: " + *wrong);
  LogOptions& logs = parser.line.logs;
  if (parser.access) logs.of = LogOptions::Of::access;
  if (parser.daemon) logs.of = LogOptions::Of::daemon;
  const auto now = std::chrono::system_clock::now();
  for (const auto& [name, text, time] : {std::tuple("--since", &parser.since, &logs.since),
                                         std::tuple("--until", &parser.log_until, &logs.until)}) {
    if (text->empty()) continue;
    *time = parse_when(*text, now);
    if (!*time) {
      return usage_error(
          fmt::format("{}: \"{}\" is no time: 10m (ago), 14:30, \"2026-11-29 19:01\" or 2026-11-29T19:01:02Z",
                      name, *text));
    }
  }
  return std::nullopt;
}

// What CLI11 cannot check by itself.
std::optional<Ending> finish(Parser& parser) {
  CommandLine& line = parser.line;
  line.until_cutover = !parser.until.empty();
  if (line.verb == Verb::scale && line.word != "file" && !is_count(line.word)) {
    return usage_error(fmt::format("scale: \"{}\" is no number of instances: 4, +1, -1 or file", line.word));
  }
  if (!parser.timeout.empty()) {
    auto timeout = config::parse_duration(parser.timeout);
    if (!timeout) return usage_error("--timeout: " + timeout.error().what);
    line.timeout = *timeout;
  }
  if (auto wrong = finish_logs(parser)) return wrong;
  auto selectors = check_selectors(parser);
  if (!selectors) return selectors.error();
  line.selectors = std::move(*selectors);
  return std::nullopt;
}

std::string missing(const CLI::RequiredError& error, const std::string& command) {
  if (command.empty()) return "no command is given";
  std::string what = error.what();  // "APP is required"
  if (const std::size_t end = what.find(" is required"); end != std::string::npos) what.resize(end);
  return fmt::format("{} needs {}: gvctl {} --help", command, what, command);
}

void add_words(const CLI::App& app, std::vector<std::string>& words) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
}

// The word that should be a command; empty: there is none.
std::string command_of(const std::vector<std::string>& arguments) {
  for (auto word = arguments.begin(); word != arguments.end(); ++word) {
    const bool takes_value = *word == "--socket" || *word == "-c" || *word == "--config";
    if (takes_value && word + 1 != arguments.end()) {
      ++word;
    } else if (!word->starts_with("-")) {
      return *word;
    }
  }
  return {};
}

// By its name or another name of it; null: there is none.
const CLI::App* find_command(const Parser& parser, const std::string& word) {
  auto commands = parser.app.get_subcommands([&word](const CLI::App* one) { return one->check_name(word); });
  return commands.empty() ? nullptr : commands.front();
}

Ending no_command(const std::string& word, const Parser& parser) {
  std::vector<std::string_view> known{"help"};
  for (const CLI::App* command : parser.app.get_subcommands({})) {
    if (command->get_group().empty()) continue;
    known.push_back(command->get_name());
    for (const std::string& alias : command->get_aliases()) known.push_back(alias);
  }
  return usage_error(unknown_command(word, known));
}

// gvctl help, gvctl help deploy
Ending help(const std::vector<std::string>& arguments, const Parser& parser) {
  auto word = std::ranges::find(arguments, "help") + 1;
  if (word == arguments.end()) return Ending{0, parser.app.help()};
  const CLI::App* command = find_command(parser, *word);
  return command == nullptr ? no_command(*word, parser) : Ending{0, command->help()};
}

}  // namespace

std::expected<CommandLine, Ending> parse_command_line(const std::vector<std::string>& arguments,
                                                      const std::string& environment_socket) {
  Parser parser;
  const std::string word = command_of(arguments);
  if (arguments.empty()) return std::unexpected(Ending{kUsage, parser.app.help()});
  if (word == "help") return std::unexpected(help(arguments, parser));
  if (!word.empty() && find_command(parser, word) == nullptr) {
    return std::unexpected(no_command(word, parser));
  }
  try {
    // CLI11 takes them last one first.
    const std::vector<std::string> words = with_negative_last(arguments);
    parser.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(Ending{0, parser.app.help()});
  } catch (const CLI::CallForVersion& version) {
    return std::unexpected(Ending{0, std::string(version.what()) + "\n"});
  } catch (const CLI::RequiredError& error) {
    return std::unexpected(usage_error(missing(error, word)));
  } catch (const CLI::Error& error) {
    return std::unexpected(usage_error(error.what()));
  }
  if (auto wrong = finish(parser)) return std::unexpected(*wrong);
  if (parser.line.socket.empty() && parser.line.config.empty()) parser.line.socket = environment_socket;
  return parser.line;
}

std::map<std::string, std::vector<std::string>> command_words() {
  Parser parser;
  std::map<std::string, std::vector<std::string>> words;
  add_words(parser.app, words[""]);
  for (const CLI::App* command : parser.app.get_subcommands({})) {
    if (command->get_group().empty()) continue;
    auto& own = words[command->get_name()];
    add_words(*command, own);
    for (const std::string& alias : command->get_aliases()) words[alias] = own;
  }
  return words;
}

}  // namespace gracevisor::gvctl
