// What an app or a listener is set to, key by key, and how the files differ from it: what gvctl show prints.
// Thread: values, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace gracevisor::config {

// A key that is set, or that the files set.
struct Setting {
  std::string table;  // "app.web.health"
  std::string key;
  std::string value;                 // as TOML, masked where it may be a secret; empty: not set
  bool usual = false;                // as by default
  bool differs = false;              // the files say something else, or nothing any more
  std::string files = {};            // what they say, if that differs: equal to `value` where both are masked
  std::optional<Source> place = {};  // where they say it; unset: nowhere
};

// In the order of the table of keys. `files`: the same as the files have it; null: they do not have it, or
// cannot be read. `places`: of those files.
[[nodiscard]] std::vector<Setting> settings_of(const App& app, const App* files, const Places& places);
[[nodiscard]] std::vector<Setting> settings_of(const Listener& listener, const Listener* files,
                                               const Places& places);

}  // namespace gracevisor::config
