// Lines of apps, and the daemon's own, as syslog and journald take them.
//
//   /dev/log   <30>Nov 29 20:01:02 web[5.1]: the line
//   UDP        <30>1 2026-11-29T19:01:02.345Z host web 5.1 out - the line
//   journald   MESSAGE=the line, PRIORITY=6, SYSLOG_IDENTIFIER=web, GV_APP=web, GV_GENERATION=5,
//   GV_INSTANCE=5.1,
//              GV_STREAM=out; GV_CUT=true if the line goes on in the next message
//
// The first is what syslog(3) writes (RFC 3164 section 4.1, without a host): journald, rsyslog, syslog-ng and
// busybox all expect it at that socket, and would take the head of RFC 5424 for text. The second is RFC 5424
// section 6. Priorities are facility daemon, informational for stdout and warning for stderr. No byte of a
// line can end a message or begin a field.
//
//   /dev/log   <28>Nov 29 20:01:02 gracevisord[812]: cutover app=web
//   UDP        <28>1 2026-11-29T19:01:02.345Z host gracevisord 812 cutover - cutover app=web
//   journald   MESSAGE=cutover app=web, PRIORITY=4, SYSLOG_IDENTIFIER=gracevisord, GV_EVENT=cutover
//
// Its lines have the priority of their level. Pure. Thread: any.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "output/log_line.h"

namespace gracevisor::output {

// Bytes of a line in one message: what rsyslog takes by default (8 KiB) with its head, and what every
// receiver should take by UDP (2048, RFC 5426 section 3.2).
inline constexpr std::size_t kMostSyslogText = 7900;
inline constexpr std::size_t kMostUdpText = 1600;

// Who writes the daemon's own lines.
inline constexpr std::string_view kOwnName = "gracevisord";

struct SinkLine {
  base::WallTime time;
  std::string_view app;       // of the daemon's own: kOwnName
  std::string_view instance;  // "5.1"; empty: a remark of the daemon's on the app's lines; its own: its pid
  LogStream stream = LogStream::out;
  std::string_view text;
  bool goes_on = false;                      // in the next one of its stream
  std::optional<base::LogLevel> level = {};  // of the daemon's own; unset: an app's
  std::string_view event = {};               // what the daemon's own line tells; empty: unknown
};

// The record that begins at `at` in `text`, which holds prefixed records (log_line.h), and moves `at` behind
// it. The app's name and what follows point into `text`. Unset: it is none, so it is skipped.
[[nodiscard]] std::optional<SinkLine> next_record(std::string_view text, std::size_t& at);

// The same for lines of the daemon's own log (base/log.h), without an instance.
[[nodiscard]] std::optional<SinkLine> next_own_line(std::string_view text, std::size_t& at);

// How much of `text` goes into one message of at most `most` bytes: no character of UTF-8 is torn.
[[nodiscard]] std::size_t piece_of(std::string_view text, std::size_t most);

// `local_time`: "Nov 29 20:01:02". A NUL, at which receivers stop reading, becomes "#000".
void append_local_syslog(const SinkLine& line, std::string_view local_time, std::string& out);
// `host` as it is to be shown; empty: unknown.
void append_udp_syslog(const SinkLine& line, std::string_view host, std::string& out);
void append_journal(const SinkLine& line, std::string& out);

}  // namespace gracevisor::output
