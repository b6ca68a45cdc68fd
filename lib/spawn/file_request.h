// What the daemon asks gv-exec to do with a file by an app's rights, and the answer: the daemon itself would
// do it by root's, on a path that the app's user can bend. The request travels as the plan does, sealed; the
// answer is one message on a socket of packets in the report's place, with the descriptor beside it. Thread:
// values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "spawn/plan.h"

namespace gracevisor::spawn {

inline constexpr std::uint32_t kFileMagic =
    0x67766601;  // "gvf", format 1: a request begins with it, no plan does

enum class FileDeed : std::uint32_t {
  append,  // a log: made where it is missing; the descriptor is open for appending
  read,    // the content, in a file of the kernel's own (memfd): whatever the path leads to by then
  rotate,  // a log's old files; no descriptor
};

struct FileRequest {
  FileDeed deed = FileDeed::append;
  std::string path;         // absolute
  Credentials who;          // uid, gid and groups
  std::uint32_t limit = 0;  // read: bytes at the most; rotate: old files to keep
};

// One packet. `text` is the cause in words; empty when all went well.
struct FileAnswer {
  static constexpr std::size_t kMostText = 500;
  std::int32_t code = 0;
  std::uint32_t refused = 0;  // it is there, and not what may be used
  std::string text;
};

[[nodiscard]] std::string encode(const FileRequest& request);
// Code EPROTONOSUPPORT: no request, or another version's; EBADMSG: damaged.
[[nodiscard]] base::Expected<FileRequest> decode_file_request(std::string_view bytes);

[[nodiscard]] std::string encode(const FileAnswer& answer);
[[nodiscard]] base::Expected<FileAnswer> decode_file_answer(std::string_view bytes);

}  // namespace gracevisor::spawn
