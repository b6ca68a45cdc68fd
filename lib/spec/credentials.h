// The `user` key of an app, looked up in the user database before anything is started: the spawn helper does
// no look-ups. Thread: the supervisor's; the look-ups may read files or ask a name service.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "spec/spec.h"

namespace gracevisor::spec {

// "name", "name:group", or numbers in either place; the supplementary groups are the user's. Errors say what
// is unknown ("no user \"x\""); a daemon that is not root is refused any user but its own.
[[nodiscard]] base::Expected<Credentials> look_up_credentials(std::string_view user);

// The daemon's own user: uid, gid, name, home, shell; what the database does not know stays empty.
[[nodiscard]] Credentials own_credentials();

}  // namespace gracevisor::spec
