// Procfile: NAME: COMMAND, each command for a shell (Heroku, foreman).
#include <fmt/format.h>

#include <algorithm>

#include "config/codecs.h"
#include "migrate/migrate.h"
#include "migrate/sections.h"
#include "migrate/shell.h"
#include "migrate/web_server.h"

namespace gracevisor::migrate {
namespace {

class ProcfileImporter {
 public:
  explicit ProcfileImporter(const Input& input) : input_(input) {}

  base::Expected<Draft> run() {
    std::string_view rest = input_.text;
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    for (unsigned number = 1; !rest.empty(); ++number) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      line = trimmed(line);
      if (line.empty() || line.starts_with('#')) continue;
      if (auto added = add(line, fmt::format("{}:{}: {}", input_.name, number, shortened(line))); !added) {
        return std::unexpected(added.error());
      }
    }
    if (draft_.apps.empty()) return base::fail(input_.name + ": no NAME: COMMAND in it");
    draft_.remarks.push_back(
        {"",
         "The directory is the Procfile's. foreman also reads .env there, Heroku its config vars: "
         "here environment_file names such a file."});
    return std::move(draft_);
  }

 private:
  base::Expected<void> add(std::string_view line, const std::string& theirs) {
    auto colon = line.find(':');
    std::string_view name = line.substr(0, std::min(colon, line.size()));
    std::string_view text =
        colon == std::string_view::npos ? std::string_view() : trimmed(line.substr(colon + 1));
    bool named = !name.empty() && name.find_first_of(" \t") == std::string_view::npos;
    if (!named || text.empty()) {
      draft_.remarks.push_back({theirs, "not NAME: COMMAND; foreman leaves such a line out, too"});
      return {};
    }
    if (name == "release") {
      draft_.remarks.push_back(
          {theirs,
           "no command runs before a deploy in this version: run it yourself before gvctl "
           "deploy"});
      return {};
    }
    if (draft_.apps.size() >= Draft::kMostApps)
      return base::fail(fmt::format("{}: more than {} apps", input_.name, Draft::kMostApps));
    auto command = read_shell_command(text);
    if (!command) return base::fail(theirs + ": " + command.error().what);
    ++draft_.taken;
    set(draft_.add_app(name, theirs), *command, name == "web", theirs);
    return {};
  }

  void set(App& app, ShellCommand& command, bool web, const std::string& theirs) {
    if (!command.shell_for.empty()) {
      app.remark(theirs,
                 fmt::format("{} needs a shell; without one the program is started, and stopped, directly",
                             command.shell_for));
    }
    app.set_text("", "directory", input_.path.parent_path().string());
    const bool given = command.environment.contains("PORT");
    const bool reached = web || command.uses_port;
    if (!reached || (given && !command.uses_port))
      return draft_.set_program(app, command.words, std::move(command.environment));
    if (auto server = web_server(command.words); server && server->address.empty()) {
      command.words = server->command;  // for the proxy alone, not for the network
    } else if (server) {
      return draft_.set_program(app, command.words, std::move(command.environment));
    }
    command.environment.erase("PORT");
    app.set("", "command", config::list_text(command.words));
    const unsigned port = draft_.claim_free_port(8080);
    app.set_text("", "listen", fmt::format("0.0.0.0:{}", port));
    app.example("", "health", R"("/health")");
    app.remark(
        "",
        fmt::format("each instance has a port of its own, in {{port}} and $PORT; clients reach them at {}, "
                    "which you may change",
                    port));
    app.set_environment(command.environment);
  }

  const Input& input_;
  Draft draft_;
};

}  // namespace

base::Expected<Draft> from_procfile(const Input& input) {
  return ProcfileImporter(input).run();
}

}  // namespace gracevisor::migrate
