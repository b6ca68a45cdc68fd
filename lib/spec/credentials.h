// The `user` key of an app, looked up in the user database before anything is started: the spawn helper does
// no look-ups. Thread: the supervisor's; the look-ups may read files or ask a name service.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "spec/spec.h"

namespace gracevisor::spec {

// "name", "name:group", or numbers in either place; the supplementary groups are the user's. Errors say what
// is unknown ("no user \"x\""); a daemon that is not root is refused any user and group but its own.
[[nodiscard]] base::Expected<Credentials> look_up_credentials(std::string_view user);

// The same whatever this process may do: does this host know the user?
[[nodiscard]] base::Expected<Credentials> find_account(std::string_view user);
// By name or number; a number need not be known.
[[nodiscard]] base::Expected<gid_t> find_group(const std::string& name);

// The groups of that name or number. A daemon that is not root is refused any but all that it has.
[[nodiscard]] base::Expected<std::vector<gid_t>> look_up_groups(const std::vector<std::string>& names);

// The daemon's own user: uid, gid, name, home, shell; what the database does not know stays empty.
[[nodiscard]] Credentials own_credentials();

}  // namespace gracevisor::spec
