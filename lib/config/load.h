// Turns TOML files into a checked Config, or reports all errors of all files at once.
// Thread: any; reads files, so not a proxy worker.
#pragma once

#include <sys/types.h>

#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace gracevisor::config {

struct DaemonUser;

// One finding: "FILE:LINE:COLUMN: app.web.helth: unknown key (did you mean \"health\"?)".
struct Diagnostic {
  Source source;
  std::string text;
  [[nodiscard]] std::string line() const;  // without control characters
};
// A line for each, which begins with the kind, such as "warning: ".
[[nodiscard]] std::string lines_of(const std::vector<Diagnostic>& findings, std::string_view kind);

struct Loaded {
  Config config;
  std::vector<Diagnostic> warnings;
  // What is not there and need not be, such as files for a glob: worth a word only in a check.
  std::vector<Diagnostic> absences;
};

// Reads `file` and what it includes. On failure: every error, sorted by file and position. `owner`: who may
// own the file besides root and the daemon's user, known from the first time it was read (Config::owner);
// unset: anyone, because the user who starts the daemon named it.
[[nodiscard]] std::expected<Loaded, std::vector<Diagnostic>> load(const std::filesystem::path& file,
                                                                  std::optional<uid_t> owner = std::nullopt);

// The same from text, as if it were in the file `name` (relative paths are relative to its folder); for tests
// and --defaults.
[[nodiscard]] std::expected<Loaded, std::vector<Diagnostic>> load_text(std::string_view text,
                                                                       const std::filesystem::path& name);

// The runtime folder of a daemon that was started with `file`, whatever else is wrong in it; an error if that
// cannot be told.
[[nodiscard]] std::expected<std::filesystem::path, Diagnostic> load_runtime_dir(
    const std::filesystem::path& file);

// Where the configuration is: `given` if not empty, else $GRACEVISOR_CONFIG, else the first that exists of
// /etc/gracevisor/gracevisor.toml and ./gracevisor.toml; unset if there is none. Root does not look for the
// last, because its current folder may belong to anyone.
[[nodiscard]] std::optional<std::filesystem::path> find_file(const std::string& given, bool root);

// Was the configuration named by the user who starts the daemon, rather than found by the search?
[[nodiscard]] bool is_named(const std::string& given);

// The table of all keys with their defaults, as TOML with comments (gracevisord --defaults).
[[nodiscard]] std::string defaults_text();

// The effective configuration as TOML (gracevisord --check --print=all); the values of environments and of
// probe headers are masked.
[[nodiscard]] std::string effective_text(const Config& config);

// The same without what is as by default for a daemon of `user` (--check --print); behind each value comes
// where it stands.
[[nodiscard]] std::string changed_text(const Loaded& loaded, const DaemonUser& user);

}  // namespace gracevisor::config
