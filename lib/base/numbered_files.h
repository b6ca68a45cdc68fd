// The numbered old files of a log: web.log becomes web.log.1, web.log.1 becomes web.log.2. The functions work
// on a descriptor of the folder, so that no other user can redirect the renames. Thread: any; calls block on
// the disk.
#pragma once

#include <string>

#include "base/error.h"

namespace gracevisor::base {

// The name of old file `number` (1 is the newest) of `name`.
[[nodiscard]] std::string old_name(const std::string& name, unsigned number);

// Moves `name` out of the way and keeps at most `keep` old files. It renames the oldest file first, so that a
// crash between two renames loses nothing: it leaves a gap in the numbering, which the next call fills. If
// `keep` is 0, `name` is removed. An error means that `name` is still in its place.
[[nodiscard]] Expected<void> shift_old_files(int folder, const std::string& name, unsigned keep);

}  // namespace gracevisor::base
