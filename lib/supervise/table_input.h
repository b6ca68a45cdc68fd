// Between the apps and the tables: what build_table() is given, and what is noted about a table that goes
// out. Thread: the supervisor's.
#pragma once

#include "supervise/table.h"
#include "supervise/world.h"

namespace gracevisor::supervise {

// Before the table is built: gives each run its generation's settings, and sets the probe interval that the
// app now needs, for every instance that is to be probed.
void follow_settings(const decide::App& app, Runs& runs);
// The app as the next table shows it. `config`: as its clients see it; outlives the result. Changes nothing.
[[nodiscard]] TableApp table_app(const decide::App& app, const config::App& config, const World& world,
                                 const Publisher& publisher);
// Before the table is published as `epoch`: notes in each run's Listing what the table says about the
// endpoint.
void note_listed(const routing::RouteTable& table, base::Epoch epoch, Runs& runs);

}  // namespace gracevisor::supervise
