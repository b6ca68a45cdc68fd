#include "migrate/systemd_keys.h"

#include <algorithm>
#include <initializer_list>

#include "migrate/said.h"

namespace gracevisor::migrate {
namespace {

constexpr Said kUnitKeys[] = {
    {"Alias", "an app has one name"},
    {"AmbientCapabilities",
     "capabilities; but the daemon listens on low ports, so that apps need no right to"},
    {"BusName", "an app is ready when its health check succeeds"},
    {"CPUQuota", "no limit of CPU time in this version"},
    {"CapabilityBoundingSet", "capabilities has what the app can have at most"},
    {"DynamicUser", "make a user for the app, and set user"},
    {"ExecCondition",
     "no command runs before the start in this version: put it into the command, with sh -c"},
    {"ExecReload", "gvctl deploy APP starts it anew without losing a request"},
    {"ExecStartPost", "no command runs after the start in this version"},
    {"ExecStartPre",
     "no command runs before the start in this version: put it into the command, with sh -c, or run it "
     "before "
     "gvctl deploy"},
    {"ExecStop", "an app is stopped by stop.signal, after its last request"},
    {"ExecStopPost", "no command runs after the stop in this version"},
    {"FileDescriptorStoreMax", "no store of descriptors"},
    {"GuessMainPID", "the command is the main process"},
    {"IOSchedulingClass", "limits.io_class = \"CLASS:LEVEL\""},
    {"IOSchedulingPriority", "limits.io_class = \"CLASS:LEVEL\""},
    {"LimitCORE", "limits.core"},
    {"LimitNOFILE", "limits.nofile = \"SOFT:HARD\""},
    {"LimitNPROC", "limits.nproc"},
    {"Nice", "limits.nice"},
    {"NoNewPrivileges", "no_new_privileges, which is true for a user other than root"},
    {"OOMScoreAdjust", "limits.oom_score_adj"},
    {"NotifyAccess", "an app is ready when its health check succeeds"},
    {"PIDFile", "the command is the main process; gvctl status has its pid"},
    {"PrivateTmp", "private_tmp, which is in memory"},
    {"ReadOnlyPaths", "read_only"},
    {"PassEnvironment", "write it into environment: apps get a clean minimum"},
    {"RemainAfterExit", "an app is its process"},
    {"RestartForceExitStatus", "restart.policy = \"on-failure\" restarts after every status but 0"},
    {"RestartPreventExitStatus", "restart.policy = \"on-failure\" restarts after every status but 0"},
    {"RuntimeDirectory", "make the folder once, for the app's user: install -d, or tmpfiles.d(5)"},
    {"StateDirectory", "make the folder once, for the app's user: install -d"},
    {"CacheDirectory", "make the folder once, for the app's user: install -d"},
    {"LogsDirectory", "make the folder once, for the app's user: install -d"},
    {"ConfigurationDirectory", "make the folder once: install -d"},
    {"SendSIGKILL", "what outlives stop.timeout is always killed"},
    {"Sockets", "endpoint = \"fd\" gives the app a listening socket as descriptor 3; listen has the address"},
    {"StandardInput", "apps read from /dev/null"},
    {"StartLimitBurst", "restart.max_failures"},
    {"StartLimitInterval", "restart.stable_after and restart.max_failures"},
    {"StartLimitIntervalSec", "restart.stable_after and restart.max_failures"},
    {"SuccessExitStatus", "restart.policy = \"on-failure\" restarts after every status but 0"},
    {"SupplementaryGroups", "supplementary_groups, which has those of the user only if they are listed"},
    {"SyslogIdentifier", "gvctl logs APP"},
    {"UMask", "umask"},
    {"UnsetEnvironment", "apps get a clean minimum"},
    {"WatchdogSec", "health.interval and health.action = \"restart\""},
};

bool begins_with_any(std::string_view key, std::initializer_list<std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](auto beginning) { return key.starts_with(beginning); });
}

}  // namespace

bool says_nothing(std::string_view section, std::string_view key) {
  if (section == "Unit") return key == "Description" || key == "Documentation";
  // The daemon is wanted by multi-user.target, and starts its apps.
  return section == "Install" && key == "WantedBy";
}

std::string_view says_of_key(std::string_view section, std::string_view key, std::string_view value) {
  if (value.find(".socket") != std::string_view::npos) {
    return "the daemon listens for its apps: disable the .socket unit, and give its address to listen";
  }
  const auto* known = std::ranges::find(kUnitKeys, key, &Said::key);
  if (known != std::end(kUnitKeys)) return known->says;
  if (section == "Unit") {
    if (begins_with_any(
            key, {"After", "Before", "Wants", "Requires", "BindsTo", "PartOf", "Requisite", "Upholds"})) {
      return "no order among apps in this version; towards other units: in gracevisord's unit";
    }
    if (begins_with_any(key, {"Condition", "Assert"}))
      return "nothing is asked before a start: autostart = false";
    return "no counterpart; gracevisord's unit has it for all apps";
  }
  if (section == "Install") return "autostart = true starts the app with the daemon";
  if (section != "Service") return "no section of a service";
  if (begins_with_any(
          key, {"Limit", "Memory", "CPU", "Tasks", "IO", "Nice", "OOM", "BlockIO", "Slice", "Delegate"})) {
    return "no such limit of apps in this version; gracevisord's unit has it for all apps";
  }
  if (begins_with_any(key, {"Protect",    "Private",      "Restrict",        "ReadOnly",   "ReadWrite",
                            "ReadWrite",  "Inaccessible", "NoNewPrivileges", "Capability", "SystemCall",
                            "Lock",       "MemoryDeny",   "RemoveIPC",       "Device",     "Bind",
                            "Temporary",  "Root",         "Mount",           "NoExec",     "Exec",
                            "ProcSubset", "Keyring",      "Secure",          "AppArmor",   "SELinux",
                            "IPAddress"})) {
    return "no such sandbox of apps in this version; gracevisord's unit has it for all apps";
  }
  return "no counterpart";
}

std::string_view says_of_prefix(char prefix) {
  switch (prefix) {
    case '@': return "@: a program gets its own name as its first argument";
    case '-': return "-: a failure counts; restart.policy says what follows";
    case ':': return ":: variables are not filled in here, either";
    case '+':
    case '!': return "+ or !: an app has the rights of its user; without user those of the daemon";
    default: return "a prefix that is not known here";
  }
}

}  // namespace gracevisor::migrate
