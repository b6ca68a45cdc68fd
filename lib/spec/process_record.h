// The processes that the daemon has started and whose end it has not seen, kept in
// <state_dir>/processes.json: if the daemon dies, its successor knows them by number and start time, and
// knows how to stop them. The file is private to the daemon's user; its content is checked all the same.
// Thread: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"

namespace gracevisor::spec {

struct RecordedProcess {
  std::string app;
  std::string instance;  // "42.1"
  pid_t pid = 0;         // also the number of its session and group
  std::uint64_t started = 0;
  config::Stop stop;
};

struct ProcessRecord {
  std::string boot;  // boot_id(): process numbers and start times mean nothing after a reboot
  std::vector<RecordedProcess> processes;
};

[[nodiscard]] std::string to_text(const ProcessRecord& record);
[[nodiscard]] base::Expected<ProcessRecord> record_from_text(const std::string& text);

[[nodiscard]] std::filesystem::path record_path(const std::filesystem::path& state_dir);
// Empty if there is no file, or if the file is from another boot.
[[nodiscard]] base::Expected<ProcessRecord> load_record(const std::filesystem::path& state_dir);
// Identifies this boot of the machine, or of this container; empty if the kernel does not tell.
[[nodiscard]] std::string boot_id();

}  // namespace gracevisor::spec
