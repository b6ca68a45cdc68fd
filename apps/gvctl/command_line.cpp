#include "gvctl/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <tuple>

#include "base/nearest.h"
#include "base/option_words.h"
#include "config/values.h"
#include "control/command_messages.h"
#include "control/exit_code.h"
#include "gvctl/parser.h"
#include "gvctl/unknown_command.h"
#include "gvctl/when.h"

namespace gracevisor::gvctl {
namespace {

constexpr int kUsage = static_cast<int>(control::ExitCode::usage);

Ending usage_error(const std::string& what) {
  return Ending{kUsage, "gvctl: " + what + "\nRun gvctl --help for more information.\n", what};
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

// "-1" is no option, but CLI11 would take it for one: as a number of instances it goes behind "--", and of
// lines it is what -n takes.
std::vector<std::string> with_numbers(std::vector<std::string> arguments, const std::string& command) {
  auto negative = std::ranges::find_if(
      arguments, [](const std::string& word) { return word.starts_with('-') && is_count(word); });
  if (negative == arguments.end()) return arguments;
  std::string word = std::move(*negative);
  if (command == "logs" || command == "tail") {
    *negative = "-n";
    arguments.insert(negative + 1, word.substr(1));
  } else if (command == "scale") {
    arguments.erase(negative);
    if (std::ranges::find(arguments, "--") == arguments.end()) arguments.emplace_back("--");
    arguments.push_back(std::move(word));
  }
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
          fmt::format(R"({}: "{}" is no time: 10m (ago), 14:30, "2026-11-29 19:01" or 2026-11-29T19:01:02Z)",
                      name, *text));
    }
  }
  return std::nullopt;
}

std::optional<Ending> finish_timeout(Parser& parser) {
  constexpr base::Millis kMost(control::UpgradeOptions::kLongest);
  if (parser.timeout.empty()) return std::nullopt;
  CommandLine& line = parser.line;
  auto timeout = config::parse_duration(parser.timeout);
  if (!timeout) return usage_error("--timeout: " + timeout.error().what);
  if (line.verb != Verb::upgrade) {
    line.timeout = *timeout;
    return std::nullopt;
  }
  if (!line.wait) return usage_error("upgrade: --timeout says how long --wait waits: give both");
  if (*timeout > kMost) return usage_error("upgrade: --timeout is 24h at most");
  line.longest_wait = *timeout;
  return std::nullopt;
}

// What CLI11 cannot check by itself.
std::optional<Ending> finish(Parser& parser) {
  CommandLine& line = parser.line;
  line.until_cutover = !parser.until.empty();
  if (line.verb == Verb::scale && line.word != "file" && !is_count(line.word)) {
    return usage_error(fmt::format("scale: \"{}\" is no number of instances: 4, +1, -1 or file", line.word));
  }
  if (line.to && line.to->empty()) return usage_error("upgrade: --to takes the path of a gracevisord");
  if (auto wrong = finish_timeout(parser)) return wrong;
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

// CLI11 says "--lines: Value 100001 not in range 0 to 100000" (some versions "[0 - 100000]"), or "--until:
// end not in {cutover}".
std::string out_of_range(std::string_view what) {
  const std::string_view name = what.substr(0, what.find(':'));
  for (const std::string_view words : {std::string_view("not in range "), std::string_view("not in ")}) {
    const std::size_t at = what.find(words);
    if (at == std::string_view::npos) continue;
    std::string range(what.substr(at + words.size()));
    std::erase_if(range, [](char c) { return std::string_view("[]{}").contains(c); });
    if (const std::size_t dash = range.find(" - "); dash != std::string::npos) range.replace(dash, 3, " to ");
    return fmt::format("{} takes {}", name, range);
  }
  return std::string(what);
}

void add_words(const CLI::App& app, std::vector<std::string>& words) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
}

// `command`: null, those of every command alone.
std::vector<std::string> options_of(const Parser& parser, const CLI::App* command) {
  std::vector<std::string> words;
  add_words(parser.app, words);
  if (command != nullptr) add_words(*command, words);
  return words;
}

// The first word that nothing takes: "deploy has no option --foo".
std::string unexpected_word(const Parser& parser, const CLI::App* command) {
  const std::vector<std::string> rest = parser.app.remaining(true);
  const std::string name = command == nullptr ? "gvctl" : command->get_name();
  if (rest.empty()) return name + " takes no more";
  const std::string& word = rest.front();
  if (!word.starts_with('-')) return fmt::format("{} takes no \"{}\"", name, word);
  const std::vector<std::string> known = options_of(parser, command);
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string_view near = base::nearest(word.substr(0, word.find('=')), views);
  return fmt::format("{} has no option {}{}", name, word,
                     near.empty() ? "" : fmt::format(" (did you mean {}?)", near));
}

// CLI11 says "Could not convert: --verbose = x": a flag, or a number.
std::string not_converted(const Parser& parser, const CLI::App* command, const std::string& what) {
  const std::size_t begin = what.find("--");
  const std::size_t end = what.find(" = ");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return what;
  const std::string name = what.substr(begin, end - begin);
  const CLI::Option* option = command == nullptr ? nullptr : command->get_option_no_throw(name);
  if (option == nullptr) option = parser.app.get_option_no_throw(name);
  const bool flag = option != nullptr && option->get_expected_min() == 0;
  return flag ? name + " takes no value" : what.substr(begin) + " is no number that it takes";
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
  if (arguments.empty()) return std::unexpected(Ending{kUsage, parser.app.help(), "no command is given"});
  if (word == "help") return std::unexpected(help(arguments, parser));
  if (!word.empty() && find_command(parser, word) == nullptr) {
    return std::unexpected(no_command(word, parser));
  }
  try {
    // CLI11 takes them last one first.
    const std::vector<std::string> words = with_numbers(arguments, word);
    parser.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(Ending{0, parser.app.help()});
  } catch (const CLI::CallForVersion& version) {
    return std::unexpected(Ending{0, std::string(version.what()) + "\n"});
  } catch (const CLI::RequiredError& error) {
    return std::unexpected(usage_error(missing(error, word)));
  } catch (const CLI::ExtrasError& /*error*/) {
    return std::unexpected(usage_error(unexpected_word(parser, find_command(parser, word))));
  } catch (const CLI::ArgumentMismatch& error) {
    return std::unexpected(usage_error(base::number_of_values(error.what())));
  } catch (const CLI::ConversionError& error) {
    return std::unexpected(usage_error(not_converted(parser, find_command(parser, word), error.what())));
  } catch (const CLI::ValidationError& error) {
    return std::unexpected(usage_error(out_of_range(error.what())));
  } catch (const CLI::Error& error) {
    return std::unexpected(usage_error(error.what()));
  }
  if (auto wrong = finish(parser)) return std::unexpected(*wrong);
  if (parser.line.socket.empty() && parser.line.config.empty()) parser.line.socket = environment_socket;
  return parser.line;
}

bool asks_for_json(const std::vector<std::string>& arguments) {
  const auto end = std::ranges::find(arguments, "--");
  return std::find(arguments.begin(), end, "--json") != end;
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
