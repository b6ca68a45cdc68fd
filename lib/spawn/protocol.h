// The protocol between the daemon and its spawn helper, the program gv-exec: the helper's descriptors, and
// what it sends through the report pipe. The pipe closes by itself when execve succeeds, so its end alone
// would be ambiguous; hence the helper writes a byte right before the execve:
//
//   byte, end            the program runs
//   byte, record, end    execve failed
//   record, end          an earlier step failed
//   anything else, end   the helper died
//
// Thread: any; values.
#pragma once

#include <cstdint>

namespace gracevisor::spawn {

// The helper's file name, its argv[0], and the name under which ps shows it.
inline constexpr const char* kHelperName = "gv-exec";

// The helper's descriptors besides 0, 1, 2.
inline constexpr int kPlanFd = 3;
inline constexpr int kReportFd = 4;
inline constexpr int kListenerFd = 5;  // if the plan has a listener
// Where the program finds the listener: SD_LISTEN_FDS_START. The plan, which was there, has been read by
// then.
inline constexpr int kPassedListenerFd = 3;
// The helper's exit status if a step failed; the record says which one.
inline constexpr int kHelperFailed = 70;
inline constexpr char kAboutToExec = '\x01';

// Eight bytes, written in one atomic write.
struct SpawnRecord {
  std::uint16_t version = 1;
  std::uint16_t stage = 0;  // a SpawnStage
  std::int32_t code = 0;
};
static_assert(sizeof(SpawnRecord) == 8);

}  // namespace gracevisor::spawn
