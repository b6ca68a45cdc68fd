// Processes that came to the keeper because their parents ended: nobody asks for them, so each is reaped as
// soon as it ends. waitid(P_ALL) names the first zombie alone, and a child of the table stays one until a
// daemon has it reaped; behind it the others are found by what /proc says. Thread: the keeper's only one.
#pragma once

#include <sys/types.h>

namespace gracevisor::keeper {

// Is this child someone whose end is awaited by number?
struct Known {
  bool (*is)(const void* who, pid_t pid);
  const void* who;
  [[nodiscard]] bool operator()(pid_t pid) const { return is(who, pid); }
};

// True: there may be more, so it has to be called again.
[[nodiscard]] bool reap_strangers(Known known);

// Are there any, or may there be, because this kernel has no list of children? The list is exact, since
// nobody but the keeper takes a child from it.
[[nodiscard]] bool has_strangers(Known known);

// One look at all children of this process; how many strangers were reaped. -1: this kernel has no such list.
// While some are reaped, the list may leave out others.
[[nodiscard]] int reap_listed(Known known);
// The same by looking at every process.
[[nodiscard]] int reap_found(Known known);

}  // namespace gracevisor::keeper
