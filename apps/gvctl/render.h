// The control API's messages rendered for people: pure functions, every text with its newlines. Anything that
// an app could have written into a message is made harmless for terminals. Thread: values.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "control/messages.h"

namespace gracevisor::gvctl {

struct Style {
  bool colour = false;
};

// An app's line, its instances, and what is wrong:
//   web   live @42  1/2 healthy  14,092 requests  0 failed  since 2 h  example.com/api on public
//     42.1 healthy pid 4711 :21004 up 2h 13 in flight rss 310M restarts 0 probe 3 ms
//     !  last deploy @43 FAILED 12 min ago, exit 10: gvctl history web 43
[[nodiscard]] std::string render(std::span<const control::AppStatus> apps, const Style& style);

// What is wrong with the daemon as a whole, a line each: "!  12 connections of clients were turned away, …".
[[nodiscard]] std::string render_problems(std::span<const std::string> problems, const Style& style);

// One line of a report, such as a deploy's:
//   deploy web@42 (was @41)  2 instances  /srv/web/releases/20261122      phase "deploy"
//     1.7s cutover  new requests -> @42                                   any other phase
//     cause    43.1 exit 1 after 2.9 s                                    the explanation of a failure
//   done: 14,092 requests during the deploy, 0 failed                     phases "done" and
//                                                                         "failed"
[[nodiscard]] std::string render(const control::ReportLine& line, const Style& style);

struct LogStyle {
  Style style;
  bool time = false;
  bool terminal = false;  // control characters are escaped, colours pass
};
// "web@43.1 the line"; the prefix for standard error is red if colours are on.
[[nodiscard]] std::string render(std::string_view app, const control::LogLine& line, const LogStyle& how);

// "gvctl: no such app: web", with details below.
[[nodiscard]] std::string render(const control::Error& error);

}  // namespace gracevisor::gvctl
