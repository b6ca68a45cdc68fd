// One app of a PM2 file as one of ours. Thread: the one that imports; pure but for a look whether the script
// is a file.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

#include "base/error.h"
#include "migrate/draft.h"
#include "migrate/migrate.h"

namespace gracevisor::migrate {

[[nodiscard]] base::Expected<void> add_pm2_app(Draft& draft, const nlohmann::json& theirs, const Input& input,
                                               const std::string& where);

// "watch=true", shortened. Requires: `value` is not nested deeply.
[[nodiscard]] std::string key_value(std::string_view key, const nlohmann::json& value);

}  // namespace gracevisor::migrate
