// Where the configuration in force is kept for the next daemon: in the state folder, and by the keeper, which
// needs no disk. Thread: the supervisor's.
#pragma once

#include <string>

#include "base/holder.h"
#include "base/log.h"
#include "config/config.h"
#include "output/writer.h"

namespace gracevisor::supervise {

// The holder's name for it.
inline constexpr const char* kHeldConfiguration = "configuration";

class ConfigurationKeeping {
 public:
  // `holder` may be null. All must outlive it.
  ConfigurationKeeping(base::Log& log, output::Writer& writer, base::Holder* holder)
      : log_(log), writer_(writer), holder_(holder) {}
  ConfigurationKeeping(const ConfigurationKeeping&) = delete;
  ConfigurationKeeping& operator=(const ConfigurationKeeping&) = delete;

  // Unless it is as it was. `file`: the main file.
  void keep(const config::Config& config, const std::filesystem::path& file);

 private:
  void fail(const base::Error& error);

  base::Log& log_;
  output::Writer& writer_;
  base::Holder* holder_;
  std::string kept_;     // less its time
  bool failed_ = false;  // and the log said so
};

}  // namespace gracevisor::supervise
