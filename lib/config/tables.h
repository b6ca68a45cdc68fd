// The fields of every TOML table, and the values used where the files say nothing. Thread: any.
#pragma once

#include "config/config.h"
#include "config/field.h"

namespace gracevisor::config {

[[nodiscard]] Fields<Daemon> daemon_fields();
[[nodiscard]] Fields<Listener> listener_fields();
[[nodiscard]] Fields<App> app_fields();

// The tables within [app.NAME].
[[nodiscard]] Field<App> health_field();
[[nodiscard]] Field<App> stop_field();
[[nodiscard]] Field<App> app_log_field();
[[nodiscard]] Fields<Deploy> deploy_fields();
[[nodiscard]] Fields<Restart> restart_fields();
[[nodiscard]] Fields<ProxyOptions> proxy_options_fields();

// The keys of [app.NAME] about what is started and where it is reached.
void add_process_fields(Fields<App>& fields);
void add_routing_fields(Fields<App>& fields);

inline constexpr Millis kDay{86'400'000};

}  // namespace gracevisor::config
