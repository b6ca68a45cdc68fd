// What the supervisor is made from. Thread: values, the supervisor's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "decide/descriptor_budget.h"
#include "supervise/file_access.h"
#include "supervise/kept_child.h"

namespace gracevisor::supervise {

struct SupervisorSettings {
  std::filesystem::path config_file;
  config::Config config;
  bool fresh = false;           // ignore the state files
  bool restarted = false;       // the keeper had another daemon before, whose processes go on
  std::vector<KeptChild> kept;  // these
  bool successor = false;       // that daemon still decides: see Supervisor::own()
  bool predecessor = false;     // one before that still finishes its clients' requests
  // It keeps ending at once: routes stay as they were, no probe condemns an instance, and there is no
  // deploy and no reload.
  bool safe = false;
  const process::CgroupHome* cgroups = nullptr;  // of the instances; null: none
  std::optional<std::uint64_t> open_files;       // the soft RLIMIT_NOFILE that children get
  std::uint64_t descriptor_limit = decide::DescriptorBudget::kNoLimit;  // the daemon's own
  std::function<base::Expected<void>()> ensure_runtime_dir;             // see EndpointLeases
  FileAccess files = {};                                                // how the apps' files are read
  std::string state_id;                                                 // what processes carry as GV_STATE
  // Could the daemon's own log be written like this? If so, a reload changes it.
  std::function<base::Expected<void>(const config::DaemonLog&)> check_log = [](const auto& /*log*/) {
    return base::Expected<void>();
  };
  std::function<void(const config::DaemonLog&)> adjust_log = [](const auto& /*log*/) {};
};

}  // namespace gracevisor::supervise
