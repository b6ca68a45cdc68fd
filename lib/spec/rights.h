// What a daemon may give to an app: its limits and privileges, judged before anything is started, so that
// what the kernel would refuse to gv-exec is named by its key. What decides besides rights, such as a
// security module, shows in a trial (spawn/trial.h). Thread: any; own_rights_to_give() and paths look at the
// kernel and the disk.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spawn/failure.h"
#include "spawn/plan.h"

namespace gracevisor::spec {

// Of this process, as gv-exec will have them.
struct RightsToGive {
  uid_t uid = 0;
  std::uint64_t capabilities = 0;  // a bit for each
  std::uint64_t open_files = 0;    // hard limits; the highest number is none
  std::uint64_t processes = 0;
  std::uint64_t core = 0;
  std::uint64_t most_open_files = 0;  // fs.nr_open
  int nice = 0;
  int least_nice = 20;  // RLIMIT_NICE
  int oom_score_adj = 0;
  bool makes_read_only = true;  // the kernel has mount_setattr(2)
};
[[nodiscard]] RightsToGive own_rights_to_give();

struct Refusal {
  std::string key;  // "limits.nofile"
  std::string why;
};
// What of the plan cannot be given, in the order of gv-exec's steps. Paths of read_only that do not exist are
// among it, and what a private_tmp would hide.
[[nodiscard]] std::vector<Refusal> refusals(const spawn::SpawnPlan& plan, const RightsToGive& rights);

// Could the app not bind a Unix socket at this path, or in this folder?
[[nodiscard]] std::optional<Refusal> socket_refusal(const spawn::SpawnPlan& plan, const std::string& path);

// The key whose step failed; empty: it is none of these steps.
[[nodiscard]] std::string key_of(spawn::SpawnStage stage);
// Why that step failed, in the system's words and ours; empty if no more is known than the former.
[[nodiscard]] std::string why_not_given(const spawn::SpawnPlan& plan, const RightsToGive& rights,
                                        const spawn::SpawnFailed& failed);

// Is `path`, or what it leads to, within what a private_tmp covers?
[[nodiscard]] bool is_hidden_by_private_tmp(const std::string& path);

}  // namespace gracevisor::spec
