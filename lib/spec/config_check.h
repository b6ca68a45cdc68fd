// A check of configuration files as a value: what gracevisord --check prints. Thread: any that may block on
// the disk and on the user database.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "spec/file_reader.h"

namespace gracevisor::spec {

struct ConfigCheck {
  std::string summary;                       // "gv.toml: 8 apps, 3 listeners: ok, 1 warning"
  std::vector<std::string> map;              // config/route_map.h
  std::vector<config::Diagnostic> warnings;  // sorted, those about this host among them
  std::vector<config::Diagnostic> errors;    // if there are any, all but `summary` is empty
  std::optional<config::Loaded> loaded;      // unset: there are errors
};

// `owner`: as for config::load. `reader`: the running daemon's. Without one, this is a check by any user, of
// files that may be meant for another user's daemon: what needs that user's rights is not looked at, and what
// only root could do is a warning.
[[nodiscard]] ConfigCheck check_config(const std::filesystem::path& file, std::optional<uid_t> owner,
                                       const FileReader* reader = nullptr);

}  // namespace gracevisor::spec
