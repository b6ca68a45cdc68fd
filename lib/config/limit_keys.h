// [app.NAME.limits]. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/codecs.h"
#include "config/key.h"
#include "config/limits.h"

namespace gracevisor::config {

// A process with fewer cannot even load its program; the most is what the kernel's fs.nr_open can be.
inline constexpr Bounds<std::uint64_t> kOpenFiles{16, 1'073'741'816};
inline constexpr std::int64_t kMostProcesses = 4'194'304;  // the kernel's most of pids

// "SOFT:HARD", or one number for both.
struct OpenFilesValue {
  [[nodiscard]] static std::optional<OpenFiles> value(Reading& reading, const Item& item);
  [[nodiscard]] static std::string text(const OpenFiles& value);
  [[nodiscard]] static std::string kind();
};

struct CoreSize {
  [[nodiscard]] static std::optional<std::uint64_t> value(Reading& reading, const Item& item);
  [[nodiscard]] static std::string text(const std::uint64_t& value);
  [[nodiscard]] static std::string kind() { return R"(a size such as "100MiB", or "unlimited")"; }
};

// "best-effort:4"; without a level 4, which is the kernel's usual one; "idle" has none.
[[nodiscard]] base::Expected<IoPriority> parse_io_class(std::string_view text);
[[nodiscard]] std::string io_class_text(const IoPriority& priority);
inline constexpr int kIoRealtime = 1;
inline constexpr int kIoBestEffort = 2;
inline constexpr int kIoIdle = 3;
[[nodiscard]] constexpr int io_class_of(IoPriority priority) {
  return priority.value() >> 13U;
}

// "150%": of one CPU. The kernel grants no less than a millisecond of each tenth of a second.
[[nodiscard]] base::Expected<unsigned> parse_cpu_share(std::string_view text);
[[nodiscard]] std::string cpu_share_text(const unsigned& percent);
inline constexpr unsigned kMostCpuShare = 819'200;  // of 8192 CPUs, the kernel's most

void keys(auto& key, IsA<Limits> auto& value) {
  auto& [nofile, nproc, core, nice, io_class, oom_score_adj, memory, tasks, cpu] = value;
  key({"nofile", Takes::deploy, "open files; without it the soft limit with which the daemon was started",
       R"("1024:4096")"},
      OrUnset{OpenFilesValue{}}, nofile);
  key({"nproc", Takes::deploy, "processes and threads of the user, those of all its apps together", "512"},
      OrUnset{Number{{1, kMostProcesses}}}, nproc);
  key({"core", Takes::deploy, R"(of core dumps; "0": none)", R"("0")"}, OrUnset{CoreSize{}}, core);
  key({"nice", Takes::deploy, "the less, the more of the CPUs it gets", "5"}, OrUnset{Integer{{-20, 19}}},
      nice);
  key({"io_class", Takes::deploy, "of reads and writes, level 0 first; see ionice(1)", R"("best-effort:4")"},
      OrUnset{Parsed{parse_io_class, io_class_text,
                     R"("realtime:LEVEL" or "best-effort:LEVEL", with a level from 0 to 7, or "idle")"}},
      io_class);
  key({"oom_score_adj", Takes::deploy, "the more, the sooner the kernel kills it when memory runs out",
       "200"},
      OrUnset{Integer{{-1000, 1000}}}, oom_score_adj);
  key({"memory", Takes::deploy,
       "of an instance, its cached files included; one that needs more is killed whole and started again",
       R"("512MiB")"},
      OrUnset{Size{{std::uint64_t{1} << 20U, std::uint64_t{1} << 50U}}}, memory);
  key({"tasks", Takes::deploy, "processes and threads of an instance; beyond, it can start none", "512"},
      OrUnset{Number{{1, kMostProcesses}}}, tasks);
  key({"cpu", Takes::deploy, "of one CPU, for an instance; \"150%\": one and a half", R"("150%")"},
      OrUnset{Parsed{parse_cpu_share, cpu_share_text, R"(a share of one CPU, "1%" to "819200%")"}}, cpu);
}

}  // namespace gracevisor::config
