// A status as a busy daemon reports it, for the tests of the messages. Thread: values.
#pragma once

#include "control/messages.h"

namespace gracevisor::test {

inline control::InstanceStatus running_instance() {
  control::InstanceStatus instance;
  instance.name = "42.1";
  instance.state = "healthy";
  instance.pid = 4711;
  instance.endpoint = ":21004";
  instance.uptime_s = 7200;
  instance.in_flight = 13;
  instance.upgraded = 4;
  instance.restarts = 2;
  instance.cpu_percent = 12.5;
  instance.memory_bytes = 325058560;
  instance.processes = 4;
  instance.probe_ms = 3;
  instance.probes_failed = 1;
  instance.probes_allowed = 3;
  return instance;
}

// Without listeners, routes, instances and problems.
inline control::AppStatus live_app() {
  control::AppStatus app;
  app.name = "web";
  app.state = "live";
  app.generation = 42;
  app.healthy = 1;
  app.wanted = 2;
  app.requests = 14092;
  app.failed = 3;
  app.since_s = 7300;
  app.should_run = true;
  app.requests_per_s = 41.5;
  app.errors_per_s = 0.5;
  app.cpu_percent = 12.5;
  app.memory_bytes = 325058560;
  app.deploy = control::DeployStatus{42, false, "", 9000, {}, 0, 8990, 0, "0 failed"};
  app.stopped_uid = 1000;
  app.stopped_s = 172800;
  return app;
}

inline control::StatusReport status_of(const control::AppStatus& app) {
  return {"0.1.0",
          77,
          9000,
          2,
          9,
          {app},
          1024,
          352,
          280,
          {{"remark", "3 connections were turned away"}},
          {70, "0.1.0", 3, "exit 1"},
          control::PredecessorStatus{66, "0.0.9", 240, 3, 2},
          "/sys/fs/cgroup/gracevisor-x-70",
          "none"};
}

}  // namespace gracevisor::test
