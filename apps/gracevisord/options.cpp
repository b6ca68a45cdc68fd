#include "options.h"

#include <CLI/CLI.hpp>

#include <string>

namespace gracevisor::daemon {

Parsed parse_options(int argc, char** argv) {
  Parsed parsed;
  CLI::App app("Process supervisor and HTTP load balancer with hitless deploys", "gracevisord");
  app.add_option(
      "-c,--config", parsed.options.config,
      "the configuration; else $GRACEVISOR_CONFIG, /etc/gracevisor/gracevisor.toml, ./gracevisor.toml");
  CLI::Option* check =
      app.add_flag("-t,--check", parsed.options.check,
                   "check the configuration, say what leads where and what this host lacks, and end");
  std::string print;
  app.add_flag("--print{changed}", print,
               "with --check: print the values that differ from the defaults; --print=all: every value")
      ->check(CLI::IsMember({"changed", "all"}))
      ->needs(check);
  app.add_flag("--strict", parsed.options.strict, "with --check: exit with 2 if there are warnings")
      ->needs(check);
  app.add_flag("--defaults", parsed.options.defaults, "print every key with its default, and end");
  app.add_flag("--fresh", parsed.options.fresh,
               "ignore what was live before: start from the configuration alone");
  auto* import =
      app.add_option("--import", parsed.options.import,
                     "print a file of supervisord, PM2, foreman or systemd as a configuration, and end");
  app.add_option("--from", parsed.options.from, "what the file is: supervisord, pm2, procfile or systemd")
      ->needs(import);
  app.add_flag("--run", parsed.options.run, "run an ecosystem.config.js, with node, to read it; not as root")
      ->needs(import);
  app.set_version_flag("--version", std::string("gracevisord ") + GV_VERSION);
  try {
    app.parse(argc, argv);
    if (!print.empty()) parsed.options.print = print == "all" ? Options::Print::all : Options::Print::changed;
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" with code 0; everything else is wrong usage.
    parsed.exit = app.exit(error) == 0 ? 0 : 2;
  }
  return parsed;
}

}  // namespace gracevisor::daemon
