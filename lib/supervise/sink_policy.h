// A sink of the configuration as the writer takes it. Pure. Thread: any.
#pragma once

#include "config/log_target.h"
#include "output/lines.h"

namespace gracevisor::supervise {

// Without an app and its rules.
[[nodiscard]] inline output::FilePolicy sink_policy(const config::LogSink& sink) {
  output::FilePolicy policy;
  policy.path = sink.where;
  switch (sink.kind) {
    case config::LogSink::Kind::syslog: policy.sink = output::SinkKind::syslog; break;
    case config::LogSink::Kind::journal: policy.sink = output::SinkKind::journal; break;
  }
  return policy;
}

}  // namespace gracevisor::supervise
