#include "import.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/standard_error.h"
#include "config/daemon_user.h"
#include "config/foreign.h"
#include "migrate/migrate.h"
#include "migrate/node.h"
#include "migrate/print.h"
#include "migrate/real_files.h"

namespace gracevisor::daemon {
namespace {

using config::Foreign;

// Messages quote a file that anyone may have written.
int refuse(std::string_view what) {
  base::say_on_standard_error("gracevisord: " + migrate::comment_text(what) + "\n");
  return 2;
}

// What is refused by its name alone, before it is read; else empty.
std::string refused_by_name(const std::filesystem::path& path) {
  const std::string ending = path.extension().string();
  if (ending == ".yml" || ending == ".yaml") {
    return path.string() + ": YAML is not read: write the PM2 file as JSON, ecosystem.json";
  }
  for (const char* unit : {".socket", ".timer", ".target", ".path", ".mount", ".slice"}) {
    if (ending == unit)
      return path.string() + ": only units of the type .service have a process to supervise";
  }
  return {};
}

base::Expected<Foreign> kind_of(const Options& options, const std::filesystem::path& path,
                                std::string_view text) {
  if (!options.from.empty()) {
    if (auto named = config::foreign_named(options.from)) return *named;
    return base::fail(fmt::format("--from {}: supervisord, pm2, procfile or systemd", options.from));
  }
  if (auto kind = config::foreign_kind(path.string(), text)) return *kind;
  return base::fail(path.string() +
                    ": not recognised; tell what it is: --from supervisord, pm2, procfile or systemd");
}

// The text of a file of that kind, for which a program has to be run.
base::Expected<std::string> text_of(Foreign kind, const std::filesystem::path& path, std::string text,
                                    bool run) {
  if (kind != Foreign::pm2 || !migrate::is_program(path)) return text;
  if (run) return migrate::read_with_node(path);
  return base::fail(path.string() +
                    " is a program: it has to be run to be read; with --run that is done, by node, and not "
                    "as root");
}

// Whatever was made of their file must be a configuration that the daemon takes.
base::Expected<void> check(const std::string& toml) {
  auto loaded = config::load_text(toml, "/etc/gracevisor/imported.toml", config::root_user());
  if (loaded) return {};
  std::string all;
  for (const config::Diagnostic& finding : loaded.error()) all += (all.empty() ? "" : "; ") + finding.text;
  return base::fail("what the file says is not possible here: " + all);
}

std::size_t count_remarks(const migrate::Draft& draft) {
  std::size_t count = draft.remarks.size();
  for (const migrate::App& app : draft.apps) count += app.remarks.size();
  return count;
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string summary(const migrate::Draft& draft, const std::string& name) {
  return fmt::format(
      "gracevisord: {}: {}, {} taken, {} in comments; put it into a file and look at gracevisord -c FILE "
      "--check\n",
      migrate::comment_text(name), counted(draft.apps.size(), "app"), counted(draft.taken, "setting"),
      counted(count_remarks(draft), "remark"));
}

}  // namespace

int import_file(const Options& options) {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::absolute(options.import, failed).lexically_normal();
  if (failed) return refuse(options.import + ": " + failed.message());
  if (auto why = refused_by_name(path); !why.empty()) return refuse(why);
  migrate::RealFiles files;
  auto text = files.read(path);
  if (!text) return refuse(text.error().what);
  auto kind = kind_of(options, path, *text);
  if (!kind) return refuse(kind.error().what);
  auto data = text_of(*kind, path, std::move(*text), options.run);
  if (!data) return refuse(data.error().what);
  const migrate::Host host = migrate::this_host();
  auto draft = migrate::migrate(*kind, {path, options.import, std::move(*data), files, host});
  if (!draft) return refuse(draft.error().what);
  const std::string toml = migrate::print(*draft, fmt::format("Made by gracevisord --import from {}, {}.",
                                                              options.import, config::foreign_text(*kind)));
  if (auto valid = check(toml); !valid) return refuse(options.import + ": " + valid.error().what);
  if (std::fwrite(toml.data(), 1, toml.size(), stdout) != toml.size() || std::fflush(stdout) != 0) {
    base::say_on_standard_error("gracevisord: cannot write to standard output\n");
    return 1;
  }
  base::say_on_standard_error(summary(*draft, options.import));
  return 0;
}

}  // namespace gracevisor::daemon
