// Finds the instances whose Unix sockets were removed, usually by a cleaner of temporary files: no one can
// connect to them any more, however healthy they are. An instance counts as lost when its socket is missing
// at two looks in a row, since an app may just be recreating it. Thread: the supervisor's.
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
  // One look at an app's live generation: returns the instances to be replaced now. Half of the lost ones at
  // a time, and none while another instance of the generation is coming up: their remaining connections serve
  // meanwhile.
  [[nodiscard]] std::vector<Identity> look(const decide::App& app, const World& world);
  // Something is still missing: look again soon.
  [[nodiscard]] bool anything_missing() const noexcept { return !missing_.empty(); }
  // "the socket of web@43.1 was removed (unix:/run/…): …"
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  std::map<Identity, std::string> missing_;  // as of the last look, and where each was
};

}  // namespace gracevisor::supervise
