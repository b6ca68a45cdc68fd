// What the daemon asks gv-exec to do with a file under an app's rights, and the answer: the daemon itself
// would do it with root's rights, on a path that the app's user can redirect. The request travels sealed,
// like the plan; the answer is one message on a packet socket in place of the report pipe, with the
// descriptor attached. Thread: any; values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

inline constexpr std::uint32_t kFileMagic =
    0x67766601;  // "gvf", format 1: requests begin with it, plans do not

enum class FileDeed : std::uint32_t {
  append,  // a log: created if missing; the descriptor is open for appending
  read,    // the content, in a memfd: unaffected by what the path leads to afterwards
  rotate,  // a log's old files; no descriptor
  look,    // a log, to be read while it is written; not through a link in its last step
};

struct FileRequest {
  FileDeed deed = FileDeed::append;
  std::string path;         // absolute
  Credentials who;          // uid, gid and groups
  std::uint32_t limit = 0;  // read: at most this many bytes; rotate: old files to keep
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
