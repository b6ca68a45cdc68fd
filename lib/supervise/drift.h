// How the files differ from what runs, for status: found by planning a reload that is not carried out, anew
// whenever the files or what runs may have changed, and every few seconds for what is not watched (programs,
// links, folders that an include names). Thread: the supervisor's.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "spec/spec.h"
#include "supervise/file_stamps.h"

namespace gracevisor::supervise {

struct Drift {
  std::map<std::string, std::string> apps;  // by app, of those that are there
  std::vector<std::string> others;  // new apps, listeners, the daemon, or what is wrong with the files
};

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
