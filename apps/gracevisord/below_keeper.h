// gracevisord and its keeper: the daemon that a user starts becomes gv-keeper, which starts gracevisord again
// below itself, now and whenever one dies. Thread: the start-up's.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "keeper/client.h"
#include "keeper/link.h"
#include "supervise/kept_child.h"

namespace gracevisor::daemon {

// What a daemon finds when it starts.
struct Found {
  keeper::Client client;
  keeper::Welcome keeper;
  keeper::Listed held;
  base::UniqueFd channel;  // to the daemon that is the owner, if this one is to be its successor

  [[nodiscard]] bool successor() const { return keeper.role == keeper::Whom::successor; }
  // Another daemon was there before.
  [[nodiscard]] bool restarted() const { return keeper.starts > 1 || successor(); }
};

// The processes that it started; they are taken out.
[[nodiscard]] std::vector<supervise::KeptChild> kept_children(Found& found);

// What a former daemon had under this name; empty: nothing. It stays held.
[[nodiscard]] base::UniqueFd copy_of(const Found& found, const std::string& name);

// Executes gv-keeper, from beside this program or where it is installed, with this program and its arguments.
// Returns if that fails.
[[nodiscard]] base::Error become_keeper(char** argv);

// Asks the keeper that started this process for everything it holds.
[[nodiscard]] base::Expected<Found> meet_keeper(keeper::Client client);

}  // namespace gracevisor::daemon
