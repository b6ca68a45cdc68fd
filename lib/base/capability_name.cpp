#include "base/capability_name.h"

#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include "base/nearest.h"
#include "base/one_line.h"

namespace gracevisor::base {
namespace {

// By number, as <linux/capability.h> has them, without "CAP_". That of an older system lacks the last ones.
constexpr std::array<std::string_view, 41> kNames = {"CHOWN",
                                                     "DAC_OVERRIDE",
                                                     "DAC_READ_SEARCH",
                                                     "FOWNER",
                                                     "FSETID",
                                                     "KILL",
                                                     "SETGID",
                                                     "SETUID",
                                                     "SETPCAP",
                                                     "LINUX_IMMUTABLE",
                                                     "NET_BIND_SERVICE",
                                                     "NET_BROADCAST",
                                                     "NET_ADMIN",
                                                     "NET_RAW",
                                                     "IPC_LOCK",
                                                     "IPC_OWNER",
                                                     "SYS_MODULE",
                                                     "SYS_RAWIO",
                                                     "SYS_CHROOT",
                                                     "SYS_PTRACE",
                                                     "SYS_PACCT",
                                                     "SYS_ADMIN",
                                                     "SYS_BOOT",
                                                     "SYS_NICE",
                                                     "SYS_RESOURCE",
                                                     "SYS_TIME",
                                                     "SYS_TTY_CONFIG",
                                                     "MKNOD",
                                                     "LEASE",
                                                     "AUDIT_WRITE",
                                                     "AUDIT_CONTROL",
                                                     "SETFCAP",
                                                     "MAC_OVERRIDE",
                                                     "MAC_ADMIN",
                                                     "SYSLOG",
                                                     "WAKE_ALARM",
                                                     "BLOCK_SUSPEND",
                                                     "AUDIT_READ",
                                                     "PERFMON",
                                                     "BPF",
                                                     "CHECKPOINT_RESTORE"};
static_assert(kNames[CAP_NET_BIND_SERVICE] == "NET_BIND_SERVICE" &&
              kNames[CAP_SYS_RESOURCE] == "SYS_RESOURCE");
static_assert(kNames[CAP_SETFCAP] == "SETFCAP" && kNames[CAP_AUDIT_READ] == "AUDIT_READ");

constexpr std::string_view kPrefix = "CAP_";
constexpr std::size_t kMostCapability = 40;  // of an unknown one, in the error

}  // namespace

std::string capability_name(int number) {
  const bool named = number >= 0 && static_cast<std::size_t>(number) < kNames.size();
  if (!named) return fmt::format("capability {}", number);
  return fmt::format("{}{}", kPrefix, kNames.at(static_cast<std::size_t>(number)));
}

Expected<int> capability_number(std::string_view text) {
  std::string name(text.substr(0, kMostCapability));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  const auto* found = std::ranges::find(kNames, name);
  if (found != kNames.end() && text.size() <= kMostCapability)
    return static_cast<int>(found - kNames.begin());
  return fail(fmt::format("unknown capability \"{}\"{}", one_line(text, kMostCapability),
                          did_you_mean(name, kNames)));
}

}  // namespace gracevisor::base
