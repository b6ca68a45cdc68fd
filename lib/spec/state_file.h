// What must outlive the daemon, in one file per app, <state_dir>/apps/NAME.json: the highest generation
// number ever assigned, the live generation with its frozen spec, and whether a command stopped the app. A
// file is replaced atomically; one that cannot be read is set aside as NAME.json.bad while the others load.
//
// During a guard the file names both generations: `live` is the old one, to which a daemon that is restarted
// meanwhile returns, and `candidate` is the new one, which serves but has yet to prove itself. So after a
// cut-back the file is right even if it can no longer be written. Thread: the supervisor's, load_states()
// before its loop runs; to_text() and from_text() anywhere.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strong.h"
#include "spec/spec.h"

namespace gracevisor::spec {

// A record with a higher generation number is damaged: counting on from there would eventually overflow.
constexpr std::uint64_t kMaxGeneration = (1ULL << 53) - 1;

// A command stopped the app; it stays stopped until a start or a deploy.
struct Stopped {
  uid_t uid = 0;
  std::chrono::sys_seconds at{};
};

struct AppState {
  std::string app;
  base::GenerationId last_generation;  // the highest number assigned
  base::GenerationId live;             // 0: none
  SpecRef live_spec;                   // null when live is 0
  base::GenerationId candidate = {};   // 0: none; above live
  SpecRef candidate_spec = {};         // null when candidate is 0
  std::optional<Stopped> stopped = {};
};

// To the file's content (JSON), and back.
[[nodiscard]] std::string to_text(const AppState& state);
[[nodiscard]] base::Expected<AppState> from_text(const std::string& text);

struct LoadedStates {
  std::map<std::string, AppState> states;
  std::vector<std::string> problems;  // one line each: what was set aside and why
};
// Is it worth trying to write a record? Not on a read-only file system.
[[nodiscard]] base::Expected<void> can_keep_records(const std::filesystem::path& state_dir);
// One app's; unset: there is none that can be read.
[[nodiscard]] std::optional<AppState> load_state(const std::filesystem::path& state_dir,
                                                 const std::string& app);
[[nodiscard]] LoadedStates load_states(const std::filesystem::path& state_dir);
[[nodiscard]] std::filesystem::path state_path(const std::filesystem::path& state_dir,
                                               const std::string& app);

}  // namespace gracevisor::spec
