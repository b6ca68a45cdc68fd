// A configuration with every key set to something else than its default, and comparisons of all that a
// configuration has, for the tests of its record. They take the structures apart by themselves: what the
// archive forgets shows here.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/load.h"
#include "spec/state_json.h"
#include "support/temp_folder.h"

namespace gracevisor::test {

constexpr std::chrono::sys_seconds kWhen = std::chrono::sys_days(std::chrono::May / 1 / 2026);

[[nodiscard]] std::string lines(const std::vector<config::Diagnostic>& diagnostics);
// Requires that it loads.
[[nodiscard]] config::Config config_of(std::string_view text,
                                       const std::filesystem::path& file = "/etc/gv.toml");
// Each key is set in one of its listeners or apps at least. One of the apps is in the folder of
// daemon.autodiscover, which is made in `folder`.
[[nodiscard]] config::Config sample_config(const TempFolder& folder);

// Its record.
[[nodiscard]] std::string text_of(const config::Config& config);
// Of reading that; empty: there is none.
[[nodiscard]] std::string error_of(const std::string& text);
// Written and read again.
[[nodiscard]] config::Config back(const config::Config& config);

// By the members, and not by the archive.
void check_same(const config::Config& one, const config::Config& other);

}  // namespace gracevisor::test
