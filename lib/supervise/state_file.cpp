#include "supervise/state_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "supervise/state_json.h"

namespace gracevisor::supervise {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxFile = 16U << 20;  // an environment may be large, but not that large
constexpr std::string_view kSuffix = ".json";

std::optional<std::uint64_t> number(const Json& object, const char* key) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return *found->get_ptr<const Json::number_unsigned_t*>();
}

base::Expected<SpecRef> read_spec(const Json& json, const std::string& app) {
  auto spec = std::make_shared<Spec>();
  StateReader reader;
  if (!reader.decode(json, *spec)) {
    return base::fail(reader.misfit().empty() ? "live_spec is damaged"
                                              : "live_spec." + reader.misfit() + " is damaged");
  }
  // Keys that are missing leave defaults, but nothing can be started without these.
  if (spec->app.name != app) return base::fail("live_spec is of another app");
  if (spec->program.empty() || spec->app.command.empty()) return base::fail("live_spec has no program");
  if (!spec->directory.is_absolute()) return base::fail("live_spec has no absolute directory");
  return spec;
}

// An app's name as part of a path: anything that could be more than a name is written as %XX.
std::string sanitised(const std::string& app) {
  auto harmless = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  std::string name;
  for (char c : app) {
    // A dot is harmless but in front: "." and ".." are folders, and hidden files are not looked at.
    if (harmless(c) || (c == '.' && !name.empty())) {
      name.push_back(c);
    } else {
      name += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

base::Expected<AppState> load_state(const std::filesystem::path& state_dir,
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
  return json.dump(1) + "\n";
}

base::Expected<AppState> from_text(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return base::fail("damaged: no JSON object");
  auto version = number(json, "version");
  if (!version) return base::fail("damaged: no version");
  if (*version != kVersion) {
    return base::fail(fmt::format("version {} is unknown, this daemon writes {}", *version, kVersion));
  }
  auto app = json.contains("app") ? string_from_json(json["app"]) : std::nullopt;
  auto last = number(json, "last_generation");
  auto live = number(json, "live");
  if (!app || app->empty() || !last || !live || !json.contains("live_spec")) {
    return base::fail("damaged: app, last_generation, live or live_spec is missing");
  }
  if (*live > *last) return base::fail("damaged: live is above last_generation");
  const Json& spec = json["live_spec"];
  if ((*live == 0) != spec.is_null()) return base::fail("damaged: live and live_spec contradict each other");
  AppState state{*app, base::GenerationId(*last), base::GenerationId(*live), nullptr};
  if (*live == 0) return state;
  auto read = read_spec(spec, *app);
  if (!read) return std::unexpected(read.error());
  state.live_spec = std::move(*read);
  return state;
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
    auto state = load_state(state_dir, file);
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

}  // namespace gracevisor::supervise
