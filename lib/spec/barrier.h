// What keeps a user from executing a file, judged from modes and owners alone: nothing is tried with that
// user's rights. Thread: any; looks at the disk.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "spec/spec.h"

namespace gracevisor::spec {

// "www-data cannot enter /root", "www-data cannot execute /srv/web/server"; unset if nothing is seen to.
// Where an access control list could let the user pass, it is assumed to. Requires: `file` is absolute and
// exists.
[[nodiscard]] std::optional<std::string> barrier(const std::filesystem::path& file, const Credentials& user);

}  // namespace gracevisor::spec
