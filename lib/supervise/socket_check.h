// Finds the instances whose Unix sockets were removed, usually by a cleaner of temporary files: no one can
// connect to them any more, however healthy they are. An instance counts as lost when its socket is missing
// in two checks in a row, since an app may just be recreating it. Thread: the supervisor's.
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
  // Checks an app's live generation and returns the instances to be replaced now: half of the lost ones at a
  // time, and none while another instance of the generation is coming up. Their remaining connections serve
  // meanwhile.
  [[nodiscard]] std::vector<Identity> check(const decide::App& app, const World& world);
  // Something is still missing: check again soon.
  [[nodiscard]] bool anything_missing() const noexcept { return !missing_.empty(); }
  // "the socket of web@43.1 (pid 812 unix:/run/…) was removed: …"
  [[nodiscard]] std::vector<std::string> remarks() const;

 private:
  std::map<Identity, std::string> missing_;  // missing at the last check, and where each was
};

}  // namespace gracevisor::supervise
