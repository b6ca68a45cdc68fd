// What cannot be written, on its way from a writing thread to the supervisor, which tells people. Where there
// is no room for it, the newest of each path waits, so that none is taken for broken after it was mended.
// Threads: as stated at each function.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "handoff/ring.h"

namespace gracevisor::output {

// What cannot be written, and why; or what can be written again (no cause).
struct Trouble {
  std::string path;
  std::string cause;
};

class Troubles {
 public:
  static constexpr std::size_t kRoom = 64;

  // Writing thread; send() follows.
  void add(const std::string& path, const std::string& cause) { waiting_.insert_or_assign(path, cause); }
  // Writing thread. True: the supervisor has something to take.
  bool send() {
    bool any = false;
    while (!waiting_.empty()) {
      const auto first = waiting_.begin();
      if (!ring_.push(Trouble{first->first, first->second})) break;
      waiting_.erase(first);
      any = true;
    }
    return any;
  }
  // Writing thread: send() has to be called again.
  [[nodiscard]] bool waits() const noexcept { return !waiting_.empty(); }
  // Supervisor.
  [[nodiscard]] std::optional<Trouble> take() { return ring_.pop(); }

 private:
  handoff::Ring<Trouble> ring_{kRoom};
  std::map<std::string, std::string> waiting_;  // the writing thread's
};

}  // namespace gracevisor::output
