// Lines on standard error. They are dropped while its reader does not read: the keeper never waits. Thread:
// the keeper's only one.
#pragma once

#include <sys/types.h>

#include "alarms.h"
#include "keeper/protocol.h"

namespace gracevisor::keeper {

// "gv-keeper: " and the text, as printf has it, with a line's end. At most 512 bytes.
[[gnu::format(printf, 1, 2)]] void say(const char* format, ...);

// "the daemon (pid 17) was ended by signal 11 (SEGV), core dumped, after 1.250 s", or "exited with 3".
struct LifeText {
  LifeText(pid_t pid, const Ending& ending, Millis ran);
  char text[128];
};

}  // namespace gracevisor::keeper
