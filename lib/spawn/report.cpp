#include "spawn/report.h"

#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "spawn/protocol.h"

namespace gracevisor::spawn {

bool SpawnReport::read_to_end() {
  constexpr std::size_t kLongest = 1 + sizeof(SpawnRecord);
  for (;;) {
    char buffer[64];
    ssize_t n = ::read(read_end_.get(), buffer, sizeof buffer);
    if (n > 0) {
      bytes_.append(buffer, static_cast<std::size_t>(n));
      if (bytes_.size() > kLongest) bytes_.resize(kLongest + 1);
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    // An error other than "not yet" is permanent: the pipe is as good as ended.
    return n == 0 || errno != EAGAIN;
  }
}

std::optional<SpawnFailed> SpawnReport::failure() const {
  SpawnFailed died{SpawnStage::crashed, 0};
  std::string_view bytes = bytes_;
  bool about_to_exec = !bytes.empty() && bytes.size() != sizeof(SpawnRecord);
  if (about_to_exec) {
    if (bytes.front() != kAboutToExec) return died;
    bytes.remove_prefix(1);
    if (bytes.empty()) return std::nullopt;
  }
  SpawnRecord record;
  if (bytes.size() != sizeof record) return died;
  (void)bytes.copy(reinterpret_cast<char*>(&record), sizeof record);
  const auto stage = static_cast<SpawnStage>(record.stage);
  if (record.version != SpawnRecord{}.version || !is_helpers(stage)) return died;
  return SpawnFailed{stage, record.code};
}

}  // namespace gracevisor::spawn
