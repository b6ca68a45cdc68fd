#include "spec/rights.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/capability_name.h"
#include "base/error.h"
#include "base/file.h"

namespace gracevisor::spec {
namespace {

using spawn::ResourceLimit;
using spawn::SpawnStage;

constexpr std::size_t kMostNumber = 64;  // bytes of a file with a number
constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

// What an execution leaves a process: root all of the bounding set, others the ambient ones.
std::uint64_t capabilities_after_exec() {
  std::uint64_t found = 0;
  for (int number = 0; number < 64; ++number) {
    const int r = ::geteuid() == 0 ? ::prctl(PR_CAPBSET_READ, number, 0, 0, 0)
                                   : ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0);
    if (r < 0) break;
    if (r == 1) found |= std::uint64_t{1} << static_cast<unsigned>(number);
  }
  return found;
}

rlimit limit_of(int resource) {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  (void)::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit);  // which cannot fail for a known one
  return limit;
}

template <class T>
T number_in(const char* file, T otherwise) {
  const auto text = base::read_file(file, kMostNumber);
  T number{};
  if (!text) return otherwise;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  return error == std::errc() ? number : otherwise;
}

std::string text_of(std::uint64_t limit) {
  return limit == kUnlimited ? "unlimited" : std::to_string(limit);
}

constexpr std::array<const char*, 2> kCovered = {"/tmp", "/var/tmp"};

// By what both lead to.
bool is_within(const std::string& path, const char* folder) {
  std::error_code failed;
  const auto inner = std::filesystem::weakly_canonical(path, failed);
  if (failed) return false;
  const auto outer = std::filesystem::canonical(folder, failed);
  if (failed) return false;
  return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

class Judge {
 public:
  Judge(const spawn::SpawnPlan& plan, const RightsToGive& rights) : plan_(plan), rights_(rights) {}

  std::vector<Refusal> judge() && {
    judge_scheduling();
    judge_open_files();
    judge_hard("limits.nproc", plan_.limits.processes, rights_.processes);
    judge_hard("limits.core", plan_.limits.core, rights_.core);
    judge_mounts();
    judge_capabilities();
    return std::move(found_);
  }

 private:
  void refuse(std::string key, std::string why) { found_.push_back({std::move(key), std::move(why)}); }
  [[nodiscard]] bool may(int capability) const {
    return spawn::has_capability(rights_.capabilities, capability);
  }
  [[nodiscard]] std::string takes(int capability) const {
    return fmt::format("takes {}, which uid {} does not have here", base::capability_name(capability),
                       rights_.uid);
  }

  void judge_scheduling() {
    const spawn::Limits& limits = plan_.limits;
    if (limits.oom_score_adj && *limits.oom_score_adj < rights_.oom_score_adj && !may(CAP_SYS_RESOURCE)) {
      refuse("limits.oom_score_adj", fmt::format("less than the daemon's own, {}, {}", rights_.oom_score_adj,
                                                 takes(CAP_SYS_RESOURCE)));
    }
    if (limits.nice && *limits.nice < std::min(rights_.nice, rights_.least_nice) && !may(CAP_SYS_NICE)) {
      refuse("limits.nice",
             fmt::format("less than the daemon's own, {}, {}", rights_.nice, takes(CAP_SYS_NICE)));
    }
    constexpr unsigned kRealtime = 1;  // IOPRIO_CLASS_RT
    const bool realtime = limits.io_priority && *limits.io_priority >> 13U == kRealtime;
    if (realtime && !may(CAP_SYS_NICE) && !may(CAP_SYS_ADMIN))
      refuse("limits.io_class", "\"realtime\" " + takes(CAP_SYS_NICE));
  }

  void judge_open_files() {
    const auto& limit = plan_.limits.open_files;
    if (limit && limit->hard > rights_.most_open_files) {
      return refuse("limits.nofile", fmt::format("{} is more than the kernel's fs.nr_open, {}", limit->hard,
                                                 rights_.most_open_files));
    }
    judge_hard("limits.nofile", limit, rights_.open_files);
  }

  void judge_hard(const char* key, const std::optional<ResourceLimit>& limit, std::uint64_t own) {
    if (!limit || limit->hard <= own || may(CAP_SYS_RESOURCE)) return;
    refuse(key, fmt::format("{} is more than the daemon's own hard limit, {}, and that {}",
                            text_of(limit->hard), text_of(own), takes(CAP_SYS_RESOURCE)));
  }

  void judge_mounts() {
    if (!plan_.read_only.empty()) judge_read_only();
    if (!plan_.private_tmp) return;
    if (!may(CAP_SYS_ADMIN)) return refuse("private_tmp", "a mount namespace " + takes(CAP_SYS_ADMIN));
    for (const auto& [path, what] :
         {std::pair(&plan_.directory, "directory"), std::pair(&plan_.program, "program")}) {
      if (!is_hidden_by_private_tmp(*path)) continue;
      return refuse("private_tmp", fmt::format("hides the app's {}, {}", what, *path));
    }
  }

  void judge_read_only() {
    if (!may(CAP_SYS_ADMIN)) return refuse("read_only", "a mount namespace " + takes(CAP_SYS_ADMIN));
    if (!rights_.makes_read_only) return refuse("read_only", "takes a kernel from 5.12 on");
    for (const std::string& path : plan_.read_only) {
      struct stat st{};
      if (::stat(path.c_str(), &st) != 0) return refuse("read_only", base::system_error(path, errno).what);
    }
  }

  void judge_capabilities() {
    if (plan_.capabilities == 0) return;
    const bool for_another = plan_.credentials && plan_.credentials->uid != 0;
    if (rights_.uid != 0) {
      return refuse("capabilities",
                    fmt::format("only root can keep them for a user, and this is uid {}", rights_.uid));
    }
    if (!for_another) return refuse("capabilities", "are kept for a user other than root: set user");
    for (int number = 0; number < 64; ++number) {
      if (!spawn::has_capability(plan_.capabilities, number) || may(number)) continue;
      return refuse("capabilities",
                    fmt::format("uid 0 does not have {} here", base::capability_name(number)));
    }
    // All others are taken out of the bounding set.
    if ((rights_.capabilities & ~plan_.capabilities) != 0 && !may(CAP_SETPCAP))
      refuse("capabilities", "to give up all others " + takes(CAP_SETPCAP));
  }

  const spawn::SpawnPlan& plan_;
  const RightsToGive& rights_;
  std::vector<Refusal> found_;
};

}  // namespace

RightsToGive own_rights_to_give() {
  RightsToGive rights;
  rights.uid = ::geteuid();
  rights.capabilities = capabilities_after_exec();
  rights.open_files = limit_of(RLIMIT_NOFILE).rlim_max;
  rights.processes = limit_of(RLIMIT_NPROC).rlim_max;
  rights.core = limit_of(RLIMIT_CORE).rlim_max;
  rights.most_open_files = number_in<std::uint64_t>("/proc/sys/fs/nr_open", kUnlimited);
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  if (errno == 0) rights.nice = nice;
  constexpr rlim_t kMostNice = 40;
  rights.least_nice = 20 - static_cast<int>(std::min(limit_of(RLIMIT_NICE).rlim_cur, kMostNice));
  rights.oom_score_adj = number_in("/proc/self/oom_score_adj", 0);
  // Refused for what it is given, unless there is no such call.
  rights.makes_read_only = ::syscall(SYS_mount_setattr, -1, nullptr, 0, nullptr, 0) == 0 || errno != ENOSYS;
  return rights;
}

std::vector<Refusal> refusals(const spawn::SpawnPlan& plan, const RightsToGive& rights) {
  return Judge(plan, rights).judge();
}

std::optional<Refusal> socket_refusal(const spawn::SpawnPlan& plan, const std::string& path) {
  if (plan.private_tmp && is_hidden_by_private_tmp(path))
    return Refusal{"private_tmp", "hides the app's socket, " + path};
  for (const std::string& folder : plan.read_only) {
    if (is_within(path, folder.c_str()))
      return Refusal{"read_only", fmt::format("{} has the app's socket in it, {}", folder, path)};
  }
  return std::nullopt;
}

std::string key_of(SpawnStage stage) {
  switch (stage) {
    case SpawnStage::oom_score_adj: return "limits.oom_score_adj";
    case SpawnStage::nice: return "limits.nice";
    case SpawnStage::io_class: return "limits.io_class";
    case SpawnStage::nofile: return "limits.nofile";
    case SpawnStage::nproc: return "limits.nproc";
    case SpawnStage::core: return "limits.core";
    case SpawnStage::read_only: return "read_only";
    case SpawnStage::private_tmp: return "private_tmp";
    case SpawnStage::capabilities: return "capabilities";
    case SpawnStage::memory: return "limits.memory";
    case SpawnStage::tasks: return "limits.tasks";
    case SpawnStage::cpu: return "limits.cpu";
    case SpawnStage::groups:
    case SpawnStage::gid:
    case SpawnStage::uid: return "user";
    case SpawnStage::nnp: return "no_new_privileges";
    case SpawnStage::plan:
    case SpawnStage::setsid:
    case SpawnStage::signals:
    case SpawnStage::fds:
    case SpawnStage::rlimits:
    case SpawnStage::chdir:
    case SpawnStage::exec:
    case SpawnStage::endpoint:
    case SpawnStage::pipe:
    case SpawnStage::memfd:
    case SpawnStage::spawn:
    case SpawnStage::pidfd:
    case SpawnStage::timeout:
    case SpawnStage::crashed:
    case SpawnStage::cgroup:
    case SpawnStage::keeper: return {};
  }
  return {};
}

std::string why_not_given(const spawn::SpawnPlan& plan, const RightsToGive& rights,
                          const spawn::SpawnFailed& failed) {
  const std::string key = key_of(failed.stage);
  const auto all = refusals(plan, rights);
  const auto known = std::ranges::find(all, key, &Refusal::key);
  if (known == all.end()) return {};
  const std::string why = base::errno_text(failed.code);
  return known->why.ends_with(why) ? known->why : fmt::format("{}: {}", why, known->why);
}

bool is_hidden_by_private_tmp(const std::string& path) {
  return std::ranges::any_of(kCovered, [&](const char* covered) { return is_within(path, covered); });
}

}  // namespace gracevisor::spec
