#include "spec/configuration_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "config/recheck.h"
#include "spec/state_json.h"
#include "spec/tree_json.h"

namespace gracevisor::spec {
namespace {

constexpr std::uint64_t kConfigurationVersion = 1;

bool has_nul(const std::filesystem::path& path) {
  return path.native().find('\0') != std::string::npos;
}

base::Expected<void> damaged(const std::string& path) {
  return base::fail(path + " is damaged");
}

// A member that every record has.
template <class T>
base::Expected<void> read_member(const Json& object, const char* key, const std::string& path, T& value) {
  const auto found = object.find(key);
  if (found == object.end()) return base::fail(path + " is missing");
  StateReader reader;
  if (reader.decode(*found, value)) return {};
  return damaged(reader.misfit().empty() ? path : path + "." + reader.misfit());
}

// The same for a list, for errors that say which one.
template <class T>
base::Expected<void> read_list(const Json& object, const char* key, const std::string& path,
                               std::vector<T>& values) {
  const auto found = object.find(key);
  if (found == object.end()) return base::fail(path + " is missing");
  if (!found->is_array()) return damaged(path);
  for (std::size_t i = 0; i < found->size(); ++i) {
    StateReader reader;
    if (reader.decode((*found)[i], values.emplace_back())) continue;
    const std::string one = fmt::format("{}[{}]", path, i);
    return damaged(reader.misfit().empty() ? one : one + "." + reader.misfit());
  }
  return {};
}

base::Expected<void> read_trees(const Json& object, std::shared_ptr<const config::Files>& trees) {
  const auto found = object.find("trees");
  if (found == object.end()) return base::fail("config.trees is missing");
  if (found->is_null()) return {};
  auto files = files_from_json(*found);
  if (!files) return damaged("config.trees" + files.error().what);
  trees = std::make_shared<const config::Files>(std::move(*files));
  return {};
}

Json config_to_json(const config::Config& config) {
  // A member that is added to the structure does not compile until it is recorded.
  const auto& [daemon, listeners, apps, files, owner, places, trees] = config;
  Json json;
  json["daemon"] = StateWriter::encode(daemon);
  json["listeners"] = StateWriter::encode(listeners);
  json["apps"] = StateWriter::encode(apps);
  json["files"] = StateWriter::encode(files);
  json["owner"] = StateWriter::encode(owner);
  json["places"] = StateWriter::encode(places.entries());
  json["trees"] = trees == nullptr ? Json() : files_to_json(*trees);
  return json;
}

base::Expected<config::Config> config_from_json(const Json& json) {
  config::Config config;
  auto& [daemon, listeners, apps, files, owner, places, trees] = config;
  base::Expected<void> sound = read_member(json, "daemon", "config.daemon", daemon);
  if (sound) sound = read_list(json, "listeners", "config.listeners", listeners);
  if (sound) sound = read_list(json, "apps", "config.apps", apps);
  if (sound) sound = read_list(json, "files", "config.files", files);
  if (sound) sound = read_member(json, "owner", "config.owner", owner);
  if (sound) sound = read_member(json, "places", "config.places", places.entries());
  if (sound) sound = read_trees(json, trees);
  if (!sound) return std::unexpected(std::move(sound.error()));
  if (auto judged = config::recheck(config); !judged) return base::fail("config." + judged.error().what);
  if (std::ranges::any_of(files, has_nul)) return base::fail("config.files: a NUL character is not allowed");
  if (daemon.autodiscover.empty() != (trees == nullptr)) {
    return base::fail("config.trees and config.daemon.autodiscover contradict each other");
  }
  return config;
}

}  // namespace

base::Expected<std::string> to_text(const config::Config& config, const std::filesystem::path& file,
                                    std::chrono::sys_seconds when) {
  Json json;
  json["version"] = kConfigurationVersion;
  json["file"] = StateWriter::encode(file);
  json["when"] = static_cast<std::uint64_t>(
      std::clamp<std::int64_t>(when.time_since_epoch().count(), 0, static_cast<std::int64_t>(kMaxTime)));
  json["config"] = config_to_json(config);
  std::string text = json.dump() + "\n";
  if (text.size() <= kMostConfigurationBytes) return text;
  return base::fail(fmt::format("the configuration is too large to be recorded: {} MiB (allowed: {})",
                                text.size() >> 20, kMostConfigurationBytes >> 20));
}

base::Expected<ConfigurationRecord> configuration_from_text(const std::string& text) {
  if (text.size() > kMostConfigurationBytes) return base::fail("damaged: it is too large");
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return base::fail("damaged: no JSON object");
  const std::uint64_t version = number_from_json(json, "version").value_or(0);
  if (version == 0) return base::fail("damaged: no version");
  if (version > kConfigurationVersion) {
    return base::fail(fmt::format("version {} was written by a newer gracevisor: this one reads version {}",
                                  version, kConfigurationVersion));
  }
  ConfigurationRecord record;
  if (auto sound = read_member(json, "file", "file", record.file); !sound) {
    return std::unexpected(std::move(sound.error()));
  }
  if (!record.file.is_absolute() || has_nul(record.file)) return base::fail("file: is no absolute path");
  const std::uint64_t when = number_from_json(json, "when").value_or(UINT64_MAX);
  if (when > kMaxTime) return base::fail("when is damaged");
  record.when = std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(when)));
  const auto written = json.find("config");
  if (written == json.end() || !written->is_object()) return base::fail("config is damaged");
  auto config = config_from_json(*written);
  if (!config) return std::unexpected(std::move(config.error()));
  record.config = std::move(*config);
  return record;
}

std::filesystem::path configuration_path(const std::filesystem::path& state_dir) {
  return state_dir / "configuration.json";
}

base::Expected<ConfigurationRecord> load_configuration(const std::filesystem::path& state_dir) {
  const std::filesystem::path file = configuration_path(state_dir);
  auto text = base::read_own_file(file, kMostConfigurationBytes);  // what it says is run as this user
  if (!text) return std::unexpected(std::move(text.error()));
  auto record = configuration_from_text(*text);
  if (!record) return base::fail(fmt::format("{}: {}", file.string(), record.error().what));
  return record;
}

}  // namespace gracevisor::spec
