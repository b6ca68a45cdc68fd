// The last configuration that was put into force whole, in <state_dir>/configuration.json. A daemon that is
// started again after a crash runs with exactly this and never with the files, which may have been edited
// since, and may not even parse.
//
// It is written by the table of keys (config/key.h), and has every member of config::Config: a key that is
// added needs nothing here. What is resolved when the files are read (default folders, the content of error
// pages) is recorded as it was resolved. What differs from the files for other reasons is the writer's
// business: it records what is in force, and so for [daemon] what the running daemon has.
//
// The folder of daemon.autodiscover: changes in it are applied to the files as they were last put into force,
// main file and included ones among them (Config::trees), and none of these may be read anew for it. So the
// record has the parsed trees themselves (tree_json.h), with the stamps of the folder's files. Their text
// would not do, as a file that lost apps is in force with what it had of them (config::with_lost). After a
// restart the folder is compared with that: what was changed while no daemon ran is applied as any other
// change, and what is unchanged causes nothing. What a daemon only remembers about the folder (how long a
// file has been missing, which were refused) begins anew.
//
// It holds environments, and what it says is run: the file is the daemon's user's alone (0600), and its
// content is checked all the same. Reading it looks at nothing else on the disk. Thread: any;
// load_configuration() blocks on the disk.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "config/config.h"

namespace gracevisor::spec {

inline constexpr std::size_t kMostConfigurationBytes = 64U << 20;

struct ConfigurationRecord {
  config::Config config;
  std::filesystem::path file;  // the main file, absolute: what a reload reads
  std::chrono::sys_seconds when{};
};

// To the file's content (JSON). An error if that would be longer than what is read again: a reload that asks
// before it changes anything can be refused.
[[nodiscard]] base::Expected<std::string> to_text(const config::Config& config,
                                                  const std::filesystem::path& file,
                                                  std::chrono::sys_seconds when);
// And back. The error has the path of the first misfit: "config.apps[2].health.interval is damaged", or with
// what config::recheck() says: "config.apps[2].user: …"; or it says that a newer version wrote the record.
[[nodiscard]] base::Expected<ConfigurationRecord> configuration_from_text(const std::string& text);

[[nodiscard]] std::filesystem::path configuration_path(const std::filesystem::path& state_dir);
// An error with ENOENT if there is none.
[[nodiscard]] base::Expected<ConfigurationRecord> load_configuration(const std::filesystem::path& state_dir);

}  // namespace gracevisor::spec
