// The keys of [app.NAME] about what the app's processes may do. Thread: any.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/codecs.h"

namespace gracevisor::config {

inline constexpr std::size_t kMostGroups = 256;
inline constexpr std::size_t kMostReadOnly = 64;

// May it be the name or number of a user or group?
[[nodiscard]] bool valid_account(std::string_view name);

void read_umask(Reading& reading, const Item& item, unsigned& umask);
[[nodiscard]] std::string umask_text(const unsigned& umask);
// "user": unset.
void read_groups(Reading& reading, const Item& item, std::optional<std::vector<std::string>>& groups);
[[nodiscard]] std::string groups_text(const std::optional<std::vector<std::string>>& groups);
// Names as capability_name() has them.
void read_capabilities(Reading& reading, const Item& item, std::vector<std::string>& capabilities);
void read_paths(Reading& reading, const Item& item, std::vector<std::filesystem::path>& paths);
[[nodiscard]] std::string paths_text(const std::vector<std::filesystem::path>& paths);

}  // namespace gracevisor::config
