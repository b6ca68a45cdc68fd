// The numbered old files of a log: web.log becomes web.log.1, web.log.1 becomes web.log.2. Any of them may be
// compressed: web.log.2.gz. The functions work on a descriptor of the folder, so that no other user can
// redirect the renames. Thread: any; calls block on the disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::base {

inline constexpr std::string_view kCompressed = ".gz";

// The name of old file `number` (1 is the newest) of `name`.
[[nodiscard]] std::string old_name(const std::string& name, unsigned number, bool compressed = false);

// Moves `name` out of the way and keeps at most `keep` old files. It renames the oldest file first, so that a
// crash between two renames loses nothing: it leaves a gap in the numbering, which the next call fills. If
// `keep` is 0, `name` is removed. An error means that `name` is still in its place.
[[nodiscard]] Expected<void> shift_old_files(int folder, const std::string& name, unsigned keep);

// One of them, or `name` itself, which has number 0.
struct OldFile {
  unsigned number = 0;
  bool compressed = false;
  std::uint64_t size = 0;    // bytes
  std::int64_t changed = 0;  // when it was last written to: seconds of Unix time
  std::uint64_t inode = 0;
  bool operator==(const OldFile&) const = default;
};
// The regular files among `name` and its old files, the newest first; at most kMostOldFiles numbers are
// looked at, and none behind two that are missing in a row.
inline constexpr unsigned kMostOldFiles = 1001;
[[nodiscard]] std::vector<OldFile> list_old_files(int folder, const std::string& name);
// For another process, and back; EBADMSG: it is no such list.
[[nodiscard]] std::string encode(const std::vector<OldFile>& files);
[[nodiscard]] Expected<std::vector<OldFile>> decode_old_files(std::string_view text);

// Where the compressed form of an old file is made, "web.log.gz.part", empty and with `mode`; one that was
// left there is replaced, unless it is still open somewhere (EBUSY: it is locked as long as it is).
[[nodiscard]] Expected<UniqueFd> begin_compressed(int folder, const std::string& name, unsigned mode);
// It is complete: it takes the place of the old file that is `source`, whatever its number is by now, and
// gets its time. ENOENT: that file is gone. On an error it is removed.
[[nodiscard]] Expected<void> end_compressed(int folder, const std::string& name, std::uint64_t source);
void drop_compressed(int folder, const std::string& name);

}  // namespace gracevisor::base
