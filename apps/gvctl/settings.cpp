// gvctl's commands about the configuration: show, and check.
#include <string>

#include "gvctl/answers.h"
#include "gvctl/commands.h"

namespace gracevisor::gvctl {

using control::ExitCode;
using http::Method;

int Commands::settings() {
  const std::string path = app_path(line_.selectors.front().app) + "/settings" + (line_.all ? "?all=1" : "");
  return show(path, [](const std::string& body) -> base::Expected<std::string> {
    auto settings = control::read_settings(body);
    if (!settings) return std::unexpected(settings.error());
    return render(*settings);
  });
}

int Commands::check() {
  auto answer = ask("/v1/check");
  if (!answer) return fail(answer.error());
  if (answer->status != 200) return fail(*answer);
  auto check = control::read_check(answer->body);
  if (!check) return fail(not_understood(check.error()));
  if (line_.json) {
    out_.write(control::to_json(*check) + "\n");
  } else {
    out_.write(render(*check));
    err_.write(render_findings(*check));
  }
  const bool refused = line_.strict && !check->warnings.empty();
  if (refused && !line_.json) err_.write("gvctl: with --strict, warnings are errors\n");
  return code(check->ok && !refused ? ExitCode::done : ExitCode::usage);
}

}  // namespace gracevisor::gvctl
