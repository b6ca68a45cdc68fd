// What the probes of an instance show, in words, and what they ask for: most health checks that fail at a
// first start fail for a reason that the answer itself states. Pure. Thread: any.
#pragma once

#include <string>

#include "config/config.h"
#include "routing/probe.h"

namespace gracevisor::decide {

// "GET /up -> refused, 14 tries"; of an answer that does not count also the evidence and the advice:
// "GET /health (Host: flask.test) -> 301 to https://flask.test/health, 3 tries: set health.proto = "https"".
[[nodiscard]] std::string probe_text(const config::Health& health, const routing::ProbeReport& report);

// What to change so that such an answer becomes one that counts; empty: nothing is known.
[[nodiscard]] std::string probe_advice(const config::Health& health, const routing::ProbeReport& report);

}  // namespace gracevisor::decide
