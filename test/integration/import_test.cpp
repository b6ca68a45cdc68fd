// gracevisord --import: files of other supervisors as a configuration, as an operator gets it.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "support/command.h"
#include "support/processes.h"
#include "support/skip.h"
#include "support/temp_folder.h"
#include "support/wait.h"

using namespace gracevisor::test;

namespace {

const std::filesystem::path kFixtures = GV_IMPORT_FIXTURES;

CommandResult import(const std::filesystem::path& file, std::vector<std::string> more = {}) {
  std::vector<std::string> words{GV_DAEMON, "--import", file.string()};
  words.insert(words.end(), more.begin(), more.end());
  return run_command(words);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

bool has_node() {
  return run_command({"sh", "-c", "command -v node"}).exit_code == 0;
}

// A user's own copy of a file, and the daemon as that user, who is not root.
std::vector<std::string> as_nobody(const TempFolder& folder, const std::string& name) {
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  return {"setpriv", "--reuid",  "65534",
          "--regid", "65534",    "--clear-groups",
          GV_DAEMON, "--import", (folder / name).string(),
          "--run"};
}

CommandResult import_as_nobody(const TempFolder& folder, const std::string& name) {
  return run_command(as_nobody(folder, name));
}

}  // namespace

TEST_CASE("import: what is printed of each kind passes --check") {
  for (const char* name : {"supervisor/supervisord.conf", "procfile/Procfile", "systemd/shop.service",
                           "systemd/worker@.service", "pm2/ecosystem.json"}) {
    CAPTURE(name);
    CommandResult result = import(kFixtures / name);
    INFO(describe(result));
    REQUIRE(result.exit_code == 0);
    CHECK(has(result.err, " in comments"));
    TempFolder folder;
    auto file = folder.write("gracevisor.toml", result.out, 0600);
    CommandResult check = run_command({GV_DAEMON, "-c", file.string(), "--check"});
    INFO(describe(check));
    // Only root can start apps as another user, and the fixtures have some.
    if (::geteuid() == 0) CHECK(check.exit_code == 0);
  }
}

TEST_CASE("import: supervisord's included files and their processes are there") {
  CommandResult result = import(kFixtures / "supervisor/supervisord.conf");
  INFO(describe(result));
  for (const char* part :
       {"[app.shop]", "[app.queue]", "[app.shard-0]", "[app.shard-1]",
        "listen = [\"127.0.0.1:9010\", \"127.0.0.1:9011\", \"127.0.0.1:9012\"]", "GREETING = \"a, b {{c}}\"",
        "[eventlistener:mailer]: nothing listens to events", "FastCGI", "gvctl restart shop feed"}) {
    CAPTURE(part);
    CHECK(has(result.out, part));
  }
}

TEST_CASE("import: what cannot be read whole prints nothing and exits 2") {
  TempFolder folder;
  struct Row {
    std::string name;
    std::string text;
    std::string says;
    std::vector<std::string> more = {};
  };
  const Row rows[] = {
      {"supervisord.conf", "[program:a]\ncommand=/bin/a\n[program:b]\n", "a program needs a command"},
      {"a.conf", "[include]\nfiles=b.conf\n[program:a]\ncommand=/bin/a\n", "no UTF-8 text"},
      {"b.conf", "[program:b]\ncommand=\xff\n", "no UTF-8 text"},
      {"ecosystem.yml", "apps:\n", "YAML is not read"},
      {"a.timer", "[Timer]\n", "only units of the type .service"},
      {"odd", "hello\n", "--from supervisord, pm2, procfile or systemd"},
      {"other", "hello\n", "--from cron: supervisord, pm2, procfile or systemd", {"--from", "cron"}},
      {"ecosystem.config.js", "module.exports = {}\n", "with --run that is done, by node, and not as root"},
      {"a.service", "[Service]\nExecStart=/bin/a\nUser=<you>\n", "not possible here"},
      {"big.conf", std::string(2U << 20, '#'), "big.conf"},
  };
  for (const Row& row : rows) folder.write(row.name, row.text);
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CommandResult result = import(folder / row.name, row.more);
    INFO(describe(result));
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK(has(result.err, row.says));
  }
  CHECK(import(folder / "missing").exit_code == 2);
  CHECK(import(folder.path()).exit_code == 2);
  CHECK(run_command({GV_DAEMON, "--from", "pm2"}).exit_code == 2);
}

TEST_CASE("import: a kind that is named counts, whatever the file is called") {
  TempFolder folder;
  CommandResult result = import(folder.write("start", "web: node a.js\n"), {"--from", "procfile"});
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "[app.web]"));
}

TEST_CASE("import: an ecosystem.config.js is not run as root") {
  if (::geteuid() != 0) return skip("needs root");
  TempFolder folder;
  folder.write("ecosystem.config.js",
               "require('fs').writeFileSync('" + (folder / "ran").string() + "', '');");
  CommandResult result = import(folder / "ecosystem.config.js", {"--run"});
  INFO(describe(result));
  CHECK(result.exit_code == 2);
  CHECK(result.out.empty());
  CHECK(has(result.err, "which is not run as root"));
  CHECK(!std::filesystem::exists(folder / "ran"));
}

TEST_CASE("import: an ecosystem.config.js is run by node for a user who asks for it") {
  if (::geteuid() != 0 || !has_node()) return skip("needs root, to become another user, and node");
  TempFolder folder;
  folder.write("ecosystem.config.js", content_of(kFixtures / "pm2/ecosystem.config.js"), 0644);
  folder.write("module.config.mjs", "export default async () => ({apps: [{name: 'm', script: 'm.js'}]});",
               0644);
  CommandResult result = import_as_nobody(folder, "ecosystem.config.js");
  INFO(describe(result));
  CHECK(result.exit_code == 0);
  CHECK(has(result.out, "[app.js]"));
  CHECK(has(result.out, "HELLO = \"a\\nb\""));
  CHECK(!has(result.out, "this must not reach"));
  CHECK(has(import_as_nobody(folder, "module.config.mjs").out, "[app.m]"));
}

TEST_CASE("import: an ecosystem.config.js that fails, floods or goes on for ever is ended") {
  if (::geteuid() != 0 || !has_node()) return skip("needs root, to become another user, and node");
  TempFolder folder;
  folder.write("throws.js", "throw new Error('no');", 0644);
  folder.write("flood.js", "module.exports = {apps: [{script: 'x'.repeat(3e6)}]};", 0644);
  folder.write("nothing.js", "", 0644);
  folder.write("forever.js", "for (;;) {}", 0644);
  const std::pair<const char*, const char*> rows[] = {{"throws.js", "node could not run it"},
                                                      {"flood.js", "exports more than"},
                                                      {"nothing.js", "needs a script"},
                                                      {"forever.js", "did not end in time"}};
  for (const auto& [name, says] : rows) {
    CAPTURE(name);
    CommandResult result = import_as_nobody(folder, name);
    INFO(describe(result));
    CHECK(result.exit_code == 2);
    CHECK(result.out.empty());
    CHECK(has(result.err, says));
  }
}

TEST_CASE("import: what runs an ecosystem.config.js ends with the importer, however that ends") {
  if (::geteuid() != 0 || !has_node()) return skip("needs root, to become another user, and node");
  TempFolder folder;
  folder.write("forever.js", "for (;;) {}", 0644);
  Command importer(as_nobody(folder, "forever.js"));
  std::vector<pid_t> nodes;
  const auto runs_node = [&] {
    nodes = descendants_of(importer.pid());
    return nodes.size() == 1 && has(command_line(nodes[0]), "forever.js");
  };
  REQUIRE(wait_until([&] { return runs_node() && command_line(nodes[0]).starts_with("node"); }));
  importer.signal(SIGKILL);
  CHECK(wait_until([&] { return !alive(nodes[0]); }));
}

TEST_CASE("import: a file of another supervisor given as the configuration is named as such") {
  CommandResult result =
      run_command({GV_DAEMON, "-c", (kFixtures / "procfile/Procfile").string(), "--check"});
  INFO(describe(result));
  CHECK(result.exit_code == 2);
  CHECK(has(result.err, "this looks like a Procfile: gracevisord --import "));
}
