// From TOML files to a checked Config, or to all errors of all files at once.
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

// One finding: "FILE:LINE:COLUMN: app.web.helth: unknown key (did you mean \"health\"?)".
struct Diagnostic {
  Source source;
  std::string text;
  [[nodiscard]] std::string line() const;
};

struct Loaded {
  Config config;
  std::vector<Diagnostic> warnings;
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

// Where the configuration is: `given` if not empty, $GRACEVISOR_CONFIG, /etc/gracevisor/gracevisor.toml,
// ./gracevisor.toml; unset if there is none. The last is not for root, whose current folder may belong to
// anyone.
[[nodiscard]] std::optional<std::filesystem::path> find_file(const std::string& given, bool root);

// Was it named by the user who starts the daemon, rather than found by the search?
[[nodiscard]] bool is_named(const std::string& given);

// The table of all keys with their defaults, as TOML with comments (gracevisord --defaults).
[[nodiscard]] std::string defaults_text();

// The effective configuration as TOML (gracevisord --check); environment values are masked.
[[nodiscard]] std::string effective_text(const Config& config);

}  // namespace gracevisor::config
