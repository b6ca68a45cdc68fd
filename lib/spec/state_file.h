// What must outlive the daemon, in one file per app, <state_dir>/apps/NAME.json: the highest generation
// number ever assigned, every generation of which something may run with its frozen spec, the deploys that
// are not over, and whether a command stopped the app. A file is replaced atomically; one that cannot be read
// is set aside as NAME.json.bad while the others load.
//
// `live` is what a daemon starts that finds no process of the app, as after a reboot; so during a guard it is
// the old generation, and `candidate` the new one, which serves but has yet to prove itself. So after a
// cut-back the file is right even if it can no longer be written. A daemon that finds processes goes by the
// steps of the deploys (decide/reattach.cpp).
//
// Version 2 has the deploys, the leaving generations and the boot; version 1 is still read. A record of a
// newer version stays where it is, and a copy beside it as NAME.json.vN: the daemon that wrote it may come
// back. Of such an app only the last generation's number is known, if that can be read. Thread: the
// supervisor's, load_states() before its loop runs; to_text() and from_text() anywhere.
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
#include "spec/deploy_state.h"
#include "spec/spec.h"

namespace gracevisor::spec {

// A record with a higher generation number is damaged: counting on from there would eventually overflow.
constexpr std::uint64_t kMaxGeneration = (1ULL << 53) - 1;

// A command stopped the app; it stays stopped until a start or a deploy.
struct Stopped {
  uid_t uid = 0;
  std::chrono::sys_seconds at{};
};

struct FrozenGeneration {
  base::GenerationId id;
  SpecRef spec;  // never null
};

struct AppState {
  std::string app;
  base::GenerationId last_generation;  // the highest number assigned
  base::GenerationId live;             // 0: none
  SpecRef live_spec;                   // null when live is 0
  // Of the deploy that is spawning or guarding; 0: there is none. Above live.
  base::GenerationId candidate = {};
  SpecRef candidate_spec = {};  // null when candidate is 0
  std::optional<Stopped> stopped = {};
  std::string boot = {};                       // boot_id(): for all times in it; empty: unknown
  std::vector<FrozenGeneration> leaving = {};  // any others that have not ended, oldest first
  std::vector<DeployState> deploys = {};       // those that are not over, oldest first

  // The deploy that brings `candidate`; null: there is none.
  [[nodiscard]] const DeployState* under_way() const;
  [[nodiscard]] bool guarding() const {
    return under_way() != nullptr && under_way()->step == DeployStep::guarding;
  }
};

// More that leave are no longer recorded: their signals are sent already.
inline constexpr std::size_t kMostLeaving = 8;
inline constexpr std::size_t kMostDeploys = 8;

// To the file's content (JSON), and back.
[[nodiscard]] std::string to_text(const AppState& state);
[[nodiscard]] base::Expected<AppState> from_text(const std::string& text);

// The generations whose processes can be reattached by a daemon of this boot; no others. What else runs of
// the app is not known to the record, and has to be ended.
[[nodiscard]] std::vector<FrozenGeneration> reattachable(const AppState& state, const std::string& boot);

struct LoadedStates {
  std::map<std::string, AppState> states;
  std::vector<std::string> problems;  // one line each: what was set aside and why
};
// Is it worth trying to write a record? Not on a read-only file system.
[[nodiscard]] base::Expected<void> can_keep_records(const std::filesystem::path& state_dir);
// One app's; unset: there is none that can be read. Of a newer version: as in load_states().
[[nodiscard]] std::optional<AppState> load_state(const std::filesystem::path& state_dir,
                                                 const std::string& app);
// One of a newer version is a problem and a state that knows nothing but its last generation.
[[nodiscard]] LoadedStates load_states(const std::filesystem::path& state_dir);
[[nodiscard]] std::filesystem::path state_path(const std::filesystem::path& state_dir,
                                               const std::string& app);

}  // namespace gracevisor::spec
