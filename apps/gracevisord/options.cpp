#include "options.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/nearest.h"
#include "base/option_words.h"
#include "base/standard_error.h"
#include "exit_status.h"

namespace gracevisor::daemon {
namespace {

Parsed usage_error(std::string_view what) {
  base::say_on_standard_error(
      fmt::format("gracevisord: {}\nRun gracevisord --help for more information.\n", what));
  return {.options = {}, .exit = kUsage};
}

// The first word that nothing takes: "there is no option --chek (did you mean "--check"?)".
std::string unexpected_word(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining(true);
  const std::string word = rest.empty() ? "" : rest.front();
  if (!word.starts_with('-'))
    return fmt::format("\"{}\" is no option, and gracevisord takes no other words", word);
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  const std::vector<std::string_view> views(known.begin(), known.end());
  return fmt::format("there is no option {}{}", word,
                     base::did_you_mean(word.substr(0, word.find('=')), views));
}

// CLI11 says "Could not convert: --strict = x". Only flags convert what they are given.
std::string value_of_flag(std::string_view what) {
  const std::size_t begin = std::min(what.find("--"), what.size());
  return fmt::format("{} takes no value", what.substr(begin, what.find(" = ") - begin));
}

// What belongs to another option; empty: nothing is without it.
std::string_view alone(const Options& options, const std::string& print) {
  if (!options.check && !print.empty()) return "--print goes with --check";
  if (!options.check && options.strict) return "--strict goes with --check";
  if (options.import.empty() && !options.from.empty()) return "--from goes with --import";
  if (options.import.empty() && options.run) return "--run goes with --import";
  if (!options.pid_file.empty() && !options.pid_file.starts_with('/'))
    return "--pid-file takes an absolute path";
  return {};
}

}  // namespace

Parsed parse_options(int argc, char** argv) {
  Parsed parsed;
  Options& options = parsed.options;
  CLI::App app("Process supervisor and HTTP load balancer with hitless deploys", "gracevisord");
  app.add_option(
      "-c,--config", options.config,
      "the configuration; else $GRACEVISOR_CONFIG, /etc/gracevisor/gracevisor.toml, ./gracevisor.toml");
  app.add_flag("-t,--check", options.check,
               "check the configuration, say what leads where and what this host lacks, and end");
  std::string print;
  app.add_flag("--print{changed}", print,
               "with --check: print the values that differ from the defaults; --print=all: every value");
  app.add_flag("--strict", options.strict, "with --check: exit with 2 if there are warnings");
  app.add_flag("--defaults", options.defaults, "print every key with its default, and end");
  app.add_flag("--fresh", options.fresh, "ignore what was live before: start from the configuration alone");
  app.add_flag("--daemonize", options.daemonize,
               "go to the background, and return when it serves, or with its exit status");
  app.add_option("--pid-file", options.pid_file, "write the pid that signals go to into this file");
  // For the keeper; no group: not shown.
  app.add_flag("--stop", options.stop)->group("");
  app.add_flag("--safe", options.safe)->group("");
  app.add_option("--import", options.import,
                 "print a file of supervisord, PM2, foreman or systemd as a configuration, and end");
  app.add_option("--from", options.from,
                 "with --import: what the file is: supervisord, pm2, procfile or systemd");
  app.add_flag("--run", options.run,
               "with --import: run an ecosystem.config.js, with node, to read it; not as root");
  app.set_version_flag("--version", std::string("gracevisord ") + GV_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    parsed.exit = app.exit(help_or_version);
    return parsed;
  } catch (const CLI::ExtrasError& /*error*/) {
    return usage_error(unexpected_word(app));
  } catch (const CLI::ArgumentMismatch& error) {
    return usage_error(base::number_of_values(error.what()));
  } catch (const CLI::ConversionError& error) {
    return usage_error(value_of_flag(error.what()));
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (const std::string_view lonely = alone(options, print); !lonely.empty()) return usage_error(lonely);
  if (!print.empty() && print != "changed" && print != "all") {
    return usage_error(fmt::format("--print={}: changed or all", print));
  }
  if (!print.empty()) options.print = print == "all" ? Options::Print::all : Options::Print::changed;
  return parsed;
}

}  // namespace gracevisor::daemon
