// Why a program could not be started. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <string>

namespace gracevisor::spawn {

// What was being done. The values travel through the report pipe and are kept in files: new ones are added at
// the end.
enum class SpawnStage : std::uint16_t {
  plan,
  setsid,
  signals,
  fds,
  rlimits,
  groups,
  gid,
  uid,
  chdir,
  nnp,
  exec,      // the last one in gv-exec
  endpoint,  // before there is a process
  pipe,
  memfd,
  spawn,
  pidfd,
  timeout,
  crashed,        // seen by the daemon
  keeper,         // it did not start it, or is gone
  oom_score_adj,  // from here on in gv-exec again, each for a key
  nice,
  io_class,
  nofile,
  nproc,
  core,
  read_only,
  private_tmp,
  capabilities,
  cgroup,
  memory,
  tasks,
  cpu,
};
inline constexpr SpawnStage kLastStage = SpawnStage::cpu;

// Is it a step of gv-exec, which reports it?
[[nodiscard]] constexpr bool is_helpers(SpawnStage stage) {
  return stage <= SpawnStage::exec || (stage >= SpawnStage::oom_score_adj && stage <= kLastStage);
}

struct SpawnFailed {
  SpawnStage stage = SpawnStage::exec;
  int code = 0;          // errno; for `crashed` the helper's own exit status, as a shell reports it
  std::string why = {};  // its cause in words, where the daemon found it; otherwise empty
  bool operator==(const SpawnFailed&) const = default;
};

}  // namespace gracevisor::spawn
