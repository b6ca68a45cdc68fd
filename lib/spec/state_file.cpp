#include "spec/state_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "spec/state_json.h"

namespace gracevisor::spec {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxFile = 32U << 20;          // two environments may be large, but not this large
constexpr unsigned kMaxInstances = 1000;             // as the configuration's
constexpr std::uint64_t kMaxTime = 253'402'300'799;  // the end of the year 9999, in seconds
constexpr std::string_view kSuffix = ".json";

base::Expected<SpecRef> read_spec(const Json& json, const std::string& key, const std::string& app) {
  auto spec = std::make_shared<Spec>();
  StateReader reader;
  if (!reader.decode(json, *spec)) {
    return base::fail(reader.misfit().empty() ? key + " is damaged"
                                              : key + "." + reader.misfit() + " is damaged");
  }
  // Missing keys leave defaults, but nothing can be started without these.
  if (spec->app.name != app) return base::fail(key + " is of another app");
  if (spec->program.empty() || spec->app.command.empty()) return base::fail(key + " has no program");
  if (spec->app.instances < 1 || spec->app.instances > kMaxInstances) {
    return base::fail(key + ".app.instances is out of range");
  }
  if (!spec->directory.is_absolute()) return base::fail(key + " has no absolute directory");
  return spec;
}

// The generation named by `key` and its frozen spec beside it; none for 0.
base::Expected<void> read_generation(const Json& json, const std::string& key, const std::string& app,
                                     base::GenerationId& id, SpecRef& spec) {
  auto value = number_from_json(json, key.c_str());
  std::string spec_key = key + "_spec";
  if (!value || !json.contains(spec_key)) {
    return base::fail(fmt::format("damaged: {} or {} is missing", key, spec_key));
  }
  const Json& frozen = json[spec_key];
  if ((*value == 0) != frozen.is_null()) {
    return base::fail(fmt::format("damaged: {} and {} contradict each other", key, spec_key));
  }
  id = base::GenerationId(*value);
  if (*value == 0) return {};
  auto read = read_spec(frozen, spec_key, app);
  if (!read) return std::unexpected(read.error());
  spec = std::move(*read);
  return {};
}

base::Expected<std::optional<Stopped>> read_stopped(const Json& json) {
  auto found = json.find("stopped");
  if (found == json.end() || found->is_null()) return std::nullopt;
  if (!found->is_object()) return base::fail("stopped is damaged");
  std::uint64_t uid = number_from_json(*found, "uid").value_or(UINT64_MAX);
  std::uint64_t at = number_from_json(*found, "at").value_or(UINT64_MAX);
  if (!std::in_range<uid_t>(uid) || at > kMaxTime) return base::fail("stopped is damaged");
  return Stopped{static_cast<uid_t>(uid),
                 std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(at)))};
}

// An app's name as part of a path: any character that could be more than part of a name is written as %XX.
std::string sanitised(const std::string& app) {
  auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  std::string name;
  for (char c : app) {
    // A dot is harmless except in front: "." and ".." are folders, and hidden files are not looked at.
    if (harmless(c) || (c == '.' && !name.empty())) {
      name.push_back(c);
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

base::Expected<AppState> read_state(const std::filesystem::path& state_dir,
                                    const std::filesystem::path& file) {
  auto text = base::read_own_file(file, kMaxFile);  // what it says is run as this user
  if (!text) return std::unexpected(text.error());
  auto state = from_text(*text);
  if (state && state_path(state_dir, state->app).filename() != file.filename()) {
    return base::fail("it is the state of the app " + state->app);
  }
  return state;
}

// What happened to a bad file, for the operator.
std::string set_aside(const std::filesystem::path& file, const base::Error& why) {
  std::filesystem::path aside = file;
  aside += ".bad";
  std::error_code error;
  std::filesystem::rename(file, aside, error);
  if (error)
    return fmt::format("{}: {}; it cannot be set aside: {}", file.string(), why.what, error.message());
  return fmt::format("{}: {}; set aside as {}", file.string(), why.what, aside.filename().string());
}

}  // namespace

std::string to_text(const AppState& state) {
  Json json;
  json["version"] = kVersion;
  json["app"] = string_to_json(state.app);
  json["last_generation"] = state.last_generation.value();
  json["live"] = state.live.value();
  json["live_spec"] = state.live_spec ? StateWriter::encode(*state.live_spec) : Json();
  json["candidate"] = state.candidate.value();
  json["candidate_spec"] = state.candidate_spec ? StateWriter::encode(*state.candidate_spec) : Json();
  json["stopped"] = Json();
  if (state.stopped) {
    std::int64_t at = std::clamp<std::int64_t>(state.stopped->at.time_since_epoch().count(), 0,
                                               static_cast<std::int64_t>(kMaxTime));
    json["stopped"] = Json{{"uid", state.stopped->uid}, {"at", static_cast<std::uint64_t>(at)}};
  }
  return json.dump(1) + "\n";
}

base::Expected<AppState> from_text(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return base::fail("damaged: no JSON object");
  auto version = number_from_json(json, "version");
  if (!version) return base::fail("damaged: no version");
  if (*version != kVersion) {
    return base::fail(fmt::format("version {} is unknown, this daemon writes {}", *version, kVersion));
  }
  auto app = json.contains("app") ? string_from_json(json["app"]) : std::nullopt;
  auto last = number_from_json(json, "last_generation");
  if (!app || app->empty() || !last) return base::fail("damaged: app or last_generation is missing");
  if (*last > kMaxGeneration) return base::fail("damaged: last_generation is too large");
  AppState state;
  state.app = *app;
  state.last_generation = base::GenerationId(*last);
  if (auto live = read_generation(json, "live", *app, state.live, state.live_spec); !live) {
    return std::unexpected(live.error());
  }
  if (state.live > state.last_generation) return base::fail("damaged: live is above last_generation");
  if (json.contains("candidate")) {  // an older daemon did not write it
    auto candidate = read_generation(json, "candidate", *app, state.candidate, state.candidate_spec);
    if (!candidate) return std::unexpected(candidate.error());
  }
  bool above = state.candidate > state.live && state.candidate <= state.last_generation;
  if (state.candidate_spec && !above) return base::fail("damaged: candidate is out of range");
  auto stopped = read_stopped(json);
  if (!stopped) return std::unexpected(stopped.error());
  state.stopped = *stopped;
  return state;
}

base::Expected<void> can_keep_records(const std::filesystem::path& state_dir) {
  std::filesystem::path folder = state_dir / "apps";
  int code = ::access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
  // It was never created; the folder above it tells why.
  if (code == ENOENT && ::access(state_dir.c_str(), W_OK | X_OK) != 0) code = errno;
  if (code != EROFS) return {};
  return base::fail_errno("cannot write to " + folder.string(), code);
}

std::optional<AppState> load_state(const std::filesystem::path& state_dir, const std::string& app) {
  auto state = read_state(state_dir, state_path(state_dir, app));
  return state ? std::optional(std::move(*state)) : std::nullopt;
}

LoadedStates load_states(const std::filesystem::path& state_dir) {
  LoadedStates loaded;
  std::filesystem::path folder = state_dir / "apps";
  std::error_code error;
  std::vector<std::filesystem::path> files;
  std::filesystem::directory_iterator entries(folder, error);
  for (std::filesystem::directory_iterator end; !error && entries != end; entries.increment(error)) {
    const std::filesystem::path& file = entries->path();
    if (file.extension() == kSuffix) files.push_back(file);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    loaded.problems.push_back(fmt::format("cannot read {}: {}", folder.string(), error.message()));
  }
  std::ranges::sort(files);
  for (const auto& file : files) {
    auto state = read_state(state_dir, file);
    if (state) {
      loaded.states.emplace(state->app, std::move(*state));
    } else {
      loaded.problems.push_back(set_aside(file, state.error()));
    }
  }
  return loaded;
}

std::filesystem::path state_path(const std::filesystem::path& state_dir, const std::string& app) {
  return state_dir / "apps" / (sanitised(app) + std::string(kSuffix));
}

}  // namespace gracevisor::spec
