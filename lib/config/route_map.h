// The map of a configuration: which host and path of which listener leads to which app, in the order in which
// the proxy decides (routing::HostIndex), and which apps no listener leads to. A pure function. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace gracevisor::config {

// Aligned lines of any width, without control characters:
//
//   public  127.0.0.1:8080  example.com/api  web
//           unix:/run/x     *                site
//   -       0.0.0.0:1883    (tcp)            broker
//   workers without a listener: beat, mail
//
// "-" is an address that is written at an app; "*" is every host and path.
[[nodiscard]] std::vector<std::string> route_map(const Config& config);

// "8 apps, 3 listeners"
[[nodiscard]] std::string counts_text(const Config& config);

}  // namespace gracevisor::config
