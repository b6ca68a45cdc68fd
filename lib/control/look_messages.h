// What an app is set to, and what a check of the files finds, as messages of the control API (messages.h).
// Thread: values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/fields.h"

namespace gracevisor::control {

struct Setting {
  std::string table;  // "app.web.health"
  std::string key;
  std::string value;       // as TOML, masked where it may be a secret; empty: not set
  std::string source;      // "file", "default", "frozen", "scale" (gvctl scale), "implied" (by other keys)
  std::string place = {};  // where the files say it: "/etc/gracevisor/gracevisor.toml:7"
  std::optional<std::string> files = {};  // what they say, if that differs; empty: they do not set it
  friend bool operator==(const Setting&, const Setting&) = default;
};
void fields(auto& archive, IsA<Setting> auto& message) {
  auto& [table, key, value, source, place, files] = message;
  archive.object("setting");
  archive("table", table);
  archive("key", key);
  archive("value", value);
  archive("source", source);
  archive.sparse("place", place);
  archive.sparse("files", files);
}

// What an app runs with, or will be started with.
struct Settings {
  std::string app;
  std::uint64_t generation = 0;           // whose values these are; 0: it has never run
  std::vector<std::string> remarks = {};  // how the files are to be understood
  std::vector<Setting> settings = {};
  friend bool operator==(const Settings&, const Settings&) = default;
};
void fields(auto& archive, IsA<Settings> auto& message) {
  auto& [app, generation, remarks, settings] = message;
  archive.object("settings");
  archive("app", app);
  archive("generation", generation);
  archive("remarks", remarks);
  archive("settings", settings);
}

// What gracevisord --check would print of the daemon's own files.
struct FileCheck {
  std::string summary;
  bool ok = false;                         // there are no errors
  std::vector<std::string> map = {};       // hosts and paths, with the apps that serve them
  std::vector<std::string> warnings = {};  // "FILE:LINE:COLUMN: …", sorted
  std::vector<std::string> errors = {};
  friend bool operator==(const FileCheck&, const FileCheck&) = default;
};
void fields(auto& archive, IsA<FileCheck> auto& message) {
  auto& [summary, ok, map, warnings, errors] = message;
  archive.object("check");
  archive("summary", summary);
  archive("ok", ok);
  archive("map", map);
  archive("warnings", warnings);
  archive("errors", errors);
}

}  // namespace gracevisor::control
