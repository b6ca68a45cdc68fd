// One daemon, as the keeper knows it: a process of its own and the socket to it. At most one answer to it is
// unsent, since its next order is not read before. Thread: the keeper's only one.
#pragma once

#include <sys/types.h>

#include "alarms.h"
#include "keeper/protocol.h"

namespace gracevisor::keeper {

struct Peer {
  pid_t pid = 0;  // 0: not in use
  int socket = -1;
  int file = -1;     // the program, O_PATH; -1: the one that every start takes
  int channel = -1;  // its end of the channel to another daemon, until it has been sent
  Millis started{};
  Millis served{};      // when it said `serving`; 0: not yet
  bool killed = false;  // a successor that was given up
  bool bye = false;
  int status = 0;           // that it said with bye
  bool superseded = false;  // it is to be told so
  bool answering = false;   // `answer` is unsent
  Record answer{};

  [[nodiscard]] bool used() const { return pid != 0; }
  [[nodiscard]] bool serves() const { return served != Millis(0); }
};

}  // namespace gracevisor::keeper
