// Finds the instances whose Unix sockets were removed, by a cleaner of temporary files as a rule: nobody can
// connect to them any more, however well they are. An instance counts as lost when its socket is missing at
// two looks in a row, since an app may just be making it anew. Thread: the supervisor's.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "decide/app.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

class SocketCheck {
 public:
  // One look at an app's live generation: names those that are to be replaced now. Half of the lost ones at a
  // time, and none while one of the generation is on its way: what is left of their connections serves
  // meanwhile.
  [[nodiscard]] std::vector<Identity> look(const decide::App& app, const World& world);
  // Something is missing still: look again soon.
  [[nodiscard]] bool anything_missing() const noexcept { return !missing_.empty(); }
  // "the socket of web@43.1 was removed (unix:/run/…): …"
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  std::map<Identity, std::string> missing_;  // at the last look, and where it was
};

}  // namespace gracevisor::supervise
