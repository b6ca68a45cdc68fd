// How the files differ from what runs: found by planning a reload that is not carried out, anew whenever the
// files or what runs may have changed, and every few seconds for what is not watched (programs, links,
// folders that an include names). Thread: the supervisor's; values any.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/spec.h"
#include "supervise/file_stamps.h"

namespace gracevisor::supervise {

struct Drift {
  struct Item {
    enum class Kind : std::uint8_t {
      changed,
      fresh,
      gone,
      listener,
      daemon
    } kind{};  // the first three: an app
    std::string name = {};
    std::vector<std::string> keys = {};  // changed, daemon
    std::string what = {};               // listener: "127.0.0.1:8080 -> 127.0.0.1:8081 (web, api)"
    std::string file = {};               // that says so, or, of an app that is gone, had it
    std::optional<std::chrono::sys_seconds> changed = {};  // that file; unset: it is no longer there
  };
  std::vector<Item> items;
  std::string fault;                          // why the files cannot be put into force; empty: they can
  std::map<std::string, std::string> faults;  // by app, if several are to blame

  [[nodiscard]] const Item* changed(const std::string& app) const;  // null: it does not differ
};

// What is told of a Drift.
struct DriftLine {
  // "gracevisor.toml changed 3 min ago: web differs (environment.V), api is new, php is gone: gvctl reload
  // --dry-run"; empty: nothing differs.
  std::string text;
  // The same for programs, whenever it is told: "app.web.environment.V", "app.api", "app.php",
  // "listener.public", "daemon.workers"; none: the files cannot be put into force.
  std::vector<std::string> keys;
};
// `except`: apps that do not count.
[[nodiscard]] DriftLine line_of(const Drift& drift, std::chrono::sys_seconds now,
                                const std::set<std::string>& except = {});

// A Drift that was found, and what it was found from.
struct DriftMemory {
  struct Basis {
    FileStamps files;
    std::vector<spec::SpecRef> specs;  // what runs; held, so that no other spec gets the same address
    std::vector<bool> free;            // which apps are not busy
    bool operator==(const Basis&) const = default;
  };
  bool known = false;
  base::TimePoint found_at{};
  Basis basis;
  std::vector<std::filesystem::path> files;   // that the configuration was last read from
  std::vector<std::filesystem::path> others;  // that the apps name
  Drift drift;
};

}  // namespace gracevisor::supervise
