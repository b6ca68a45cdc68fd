#include "options.h"

#include <CLI/CLI.hpp>

namespace gracevisor::daemon {

Parsed parse_options(int argc, char** argv) {
  Parsed parsed;
  CLI::App app("Process supervisor and HTTP load balancer with hitless deploys", "gracevisord");
  app.add_option(
      "-c,--config", parsed.options.config,
      "the configuration; else $GRACEVISOR_CONFIG, /etc/gracevisor/gracevisor.toml, ./gracevisor.toml");
  app.add_flag("-t,--check", parsed.options.check,
               "check the configuration, print what is in effect, and end");
  app.add_flag("--defaults", parsed.options.defaults, "print every key with its default, and end");
  app.add_flag("--fresh", parsed.options.fresh,
               "ignore what was live before: start from the configuration alone");
  app.set_version_flag("--version", std::string("gracevisord ") + GV_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" with code 0; everything else is wrong usage.
    parsed.exit = app.exit(error) == 0 ? 0 : 2;
  }
  return parsed;
}

}  // namespace gracevisor::daemon
