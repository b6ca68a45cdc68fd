// What an app runs with, and how the files differ from it. Thread: values.
#pragma once

#include <string>
#include <vector>

#include "base/strong.h"
#include "config/settings.h"

namespace gracevisor::supervise {

struct AppSettings {
  base::GenerationId generation;  // whose values these are; 0: as the files say, since it has never run
  bool in_files = false;          // they can be read, and have the app
  bool scaled = false;            // a command gave it another number of instances
  std::vector<config::Setting> settings = {};
  std::vector<std::string> remarks = {};  // how the files are to be understood
};

}  // namespace gracevisor::supervise
