// What must outlive the daemon, one file per app in <state_dir>/apps/NAME.json: the highest generation number
// ever given, and the live generation with its frozen spec. Replaced atomically; a file that cannot be read
// is set aside as NAME.json.bad while the others load. Thread: load in the supervisor before the loops run;
// text() anywhere.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strong.h"
#include "supervise/spec.h"

namespace gracevisor::supervise {

struct AppState {
  std::string app;
  base::GenerationId last_generation;  // the highest number given
  base::GenerationId live;             // 0: none
  SpecRef live_spec;                   // null when live is 0
};

// The file's content (JSON) and back.
[[nodiscard]] std::string to_text(const AppState& state);
[[nodiscard]] base::Expected<AppState> from_text(const std::string& text);

struct LoadedStates {
  std::map<std::string, AppState> states;
  std::vector<std::string> problems;  // one line each: what was set aside and why
};
// Is there any use in trying to write a record? Not on a file system that is mounted read-only.
[[nodiscard]] base::Expected<void> can_keep_records(const std::filesystem::path& state_dir);
[[nodiscard]] LoadedStates load_states(const std::filesystem::path& state_dir);
[[nodiscard]] std::filesystem::path state_path(const std::filesystem::path& state_dir,
                                               const std::string& app);

}  // namespace gracevisor::supervise
