// The control API's messages rendered for people: pure functions, every text with its newlines. Anything that
// an app could have written into a message is made harmless for terminals. Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/messages.h"
#include "gvctl/style.h"

namespace gracevisor::gvctl {

// One line of a report, such as a deploy's:
//   deploy web@42 (was @41)  2 instances  /srv/web/releases/20261122      phase "deploy"
//     1.7s cutover  new requests -> @42                                   any other phase
//     cause    43.1 exit 1 after 2.9 s                                    the explanation of a failure
//   done: 14,092 requests during the deploy, 0 failed                     phases "done" and
//                                                                         "failed"
// A line that names its app, as a reload's do:
//   0.0s web      deploy   environment.V
// An upgrade's are quicker, and have longer phases:
//   upgrade 1.3.0 -> 1.4.0                                                  phase "upgrade"
//     0.05s reattached 3 apps, 7 instances, 4 listeners
enum class Reported : std::uint8_t {
  command,
  plan,  // nothing happens, so no line has a time
  upgrade,
};
[[nodiscard]] std::string render(const control::ReportLine& line, const Style& style,
                                 Reported reported = Reported::command);

// The last commands of an app, one a line; or their whole reports.
[[nodiscard]] std::string render(const control::History& history, const Style& style);
[[nodiscard]] std::string render_reports(const control::History& history, const Style& style);
// Names with their sources, and what is no secret.
[[nodiscard]] std::string render(const control::Environment& environment, const Style& style);
// "KEY=value" lines.
[[nodiscard]] std::string render_values(const control::Environment& environment);
// As a configuration: TOML, with where each value comes from in comments.
[[nodiscard]] std::string render(const control::Settings& settings);
// What gracevisord --check prints on standard output, and on standard error.
[[nodiscard]] std::string render(const control::FileCheck& check);
[[nodiscard]] std::string render_findings(const control::FileCheck& check);
// "gvctl: no such app: web", with details below.
[[nodiscard]] std::string render(const control::Error& error);

}  // namespace gracevisor::gvctl
