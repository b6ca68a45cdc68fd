// Instants that mean the same to every daemon of one boot of the machine: CLOCK_BOOTTIME, which goes on while
// it is suspended. After a reboot they mean nothing, so a record that holds them holds boot_id() as well.
// Thread: values, any thread.
#pragma once

#include <chrono>

namespace gracevisor::spec {

struct BootClock {};
using BootTime = std::chrono::time_point<BootClock, std::chrono::nanoseconds>;

}  // namespace gracevisor::spec
