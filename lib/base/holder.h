// Somebody who keeps copies of descriptors, by name, when this process dies; the process that follows it
// finds them there. What outlives this process must not be ended by it: to end a listening socket ends it for
// all who have it. Thread: the owner's.
#pragma once

#include <string>

#include "base/unique_fd.h"

namespace gracevisor::base {

class Holder {
 public:
  // Keeps a copy of `fd` from now on; under a name that is in use the former descriptor is given up.
  virtual void hold(const std::string& name, int fd) = 0;
  virtual void release(const std::string& name) = 0;
  // What was held under this name when this process began, and has not been taken; empty: nothing. It stays
  // held.
  [[nodiscard]] virtual UniqueFd take(const std::string& name) = 0;
  // This process ends, and another one goes on with what is held.
  [[nodiscard]] virtual bool left_to_others() const = 0;

 protected:
  ~Holder() = default;
};

}  // namespace gracevisor::base
