// What the daemon asks gv-exec to do with a file under an app's rights, and the answer: the daemon itself
// would do it with root's rights, on a path that the app's user can redirect. The request travels sealed,
// like the plan; the answer is one message on a packet socket in place of the report pipe, with the
// descriptor attached. Thread: any; values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

inline constexpr std::uint32_t kFileMagic =
    0x67766602;  // "gvf", format 2: requests begin with it, plans do not

enum class FileDeed : std::uint32_t {
  append,            // a log: created if missing; the descriptor is open for appending
  read,              // the content, in a memfd: unaffected by what the path leads to afterwards
  rotate,            // a log's old files; no descriptor
  look,              // a log, to be read while it is written; not through a link in its last step
  list,              // a log and its old files (base/numbered_files.h), encoded, in a memfd
  remove,            // one old file, which `path` names; no descriptor
  begin_compressed,  // of an old file of a log, which `path` names
  end_compressed,    // takes the place of the old file whose inode is `limit`; no descriptor
  drop_compressed,   // no descriptor
};

// What `list` answers.
inline constexpr const char* kListName = "list of old files";
inline constexpr std::size_t kMostList = std::size_t{1} << 20;

// Does an answer have a descriptor?
[[nodiscard]] constexpr bool gives_descriptor(FileDeed deed) noexcept {
  switch (deed) {
    case FileDeed::append:
    case FileDeed::read:
    case FileDeed::look:
    case FileDeed::list:
    case FileDeed::begin_compressed: return true;
    case FileDeed::rotate:
    case FileDeed::remove:
    case FileDeed::end_compressed:
    case FileDeed::drop_compressed: return false;
  }
  return false;
}

struct FileRequest {
  FileDeed deed = FileDeed::append;
  std::string path;         // absolute
  Credentials who;          // uid, gid and groups
  std::uint64_t limit = 0;  // read: at most this many bytes; rotate: old files to keep
};

// One packet. `text` is the cause in words; empty when all went well.
struct FileAnswer {
  static constexpr std::size_t kMostText = 500;
  std::int32_t code = 0;
  std::uint32_t refused = 0;  // it exists but may not be used
  std::string text;
};

[[nodiscard]] std::string encode(const FileRequest& request);
// Code EPROTONOSUPPORT: not a request, or from another version; EBADMSG: damaged.
[[nodiscard]] base::Expected<FileRequest> decode_file_request(std::string_view bytes);

[[nodiscard]] std::string encode(const FileAnswer& answer);
[[nodiscard]] base::Expected<FileAnswer> decode_file_answer(std::string_view bytes);

}  // namespace gracevisor::spawn
