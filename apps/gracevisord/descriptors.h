// The limit of open files under which the daemon runs: raised as far as possible, and checked against what
// the configuration needs before anything is started. Thread: the start-up's.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.h"
#include "config/config.h"

namespace gracevisor::daemon {

struct OpenFiles {
  // The soft limit that was in force before: what children get (programs that loop over all descriptors
  // become very slow at a million).
  std::uint64_t for_children = 0;
  std::uint64_t limit = 0;  // the daemon's own; decide::DescriptorBudget::kNoLimit for none
};

// The proxy needs descriptors: soft becomes hard.
[[nodiscard]] base::Expected<OpenFiles> raise_open_files();

// The workers that the configuration asks for, or one for each CPU that this process may run on.
[[nodiscard]] std::size_t worker_count(const config::Daemon& config);

// Is there a record of what was live before?
[[nodiscard]] bool any_record(const std::filesystem::path& state_dir);

// Is the limit enough for what is configured? The error has both numbers. If there are records of what was
// live before (`fresh`: they do not count), the daemon serves nevertheless, and refuses deploys.
[[nodiscard]] base::Expected<void> expect_descriptors(const config::Config& config, const OpenFiles& files,
                                                      bool fresh);

}  // namespace gracevisor::daemon
