// What gracevisord exits with, besides 0. Thread: any.
#pragma once

namespace gracevisor::daemon {

inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;  // or the configuration

}  // namespace gracevisor::daemon
