// What holds for the old files of listeners' access logs (output/log_upkeep.h): told to the writer as
// listeners come into force, change and go. Thread: the supervisor's.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "output/writer.h"
#include "supervise/listener_claims.h"

namespace gracevisor::supervise {

class ListenerLogs {
 public:
  explicit ListenerLogs(output::Writer& writer) : writer_(writer) {}

  void settle(const Definitions& in_force);

 private:
  struct Told {
    std::string path;
    base::Millis max_age{0};
    std::uint64_t total_size = 0;
    bool compress = false;
    bool operator==(const Told&) const = default;
  };

  output::Writer& writer_;
  std::map<std::string, Told> told_;  // by listener
};

}  // namespace gracevisor::supervise
