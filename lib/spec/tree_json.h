// The parsed files of a configuration (config/tree.h) to JSON and back: positions too, so that messages about
// them stay as they were. A value is [line, column, data], where data is a string, an integer or a boolean as
// in JSON, null for a date, {"float": "1.5"}, [values…] or {"table": [entries…]}; an entry is [key, line,
// column, value]. Thread: any.
#pragma once

#include "base/error.h"
#include "config/files.h"
#include "spec/state_json.h"

namespace gracevisor::spec {

[[nodiscard]] Json files_to_json(const config::Files& files);
// Bounded in number and depth as files are. The error is the path of the first misfit: "[3].tree[0][3][2]".
[[nodiscard]] base::Expected<config::Files> files_from_json(const Json& json);

}  // namespace gracevisor::spec
