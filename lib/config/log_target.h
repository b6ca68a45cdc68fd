// Where an app's output, and the daemon's own log, may go besides a file: to somebody who listens at a socket
// of this host, or by UDP.
//
//   "syslog", "syslog:/run/chroot/dev/log", "syslog:udp://192.0.2.1:514"
//   "journal", "journal:/run/systemd/journal.web/socket" (a namespace of journald)
//
// Pure. Thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gracevisor::config {

struct LogSink {
  enum class Kind : std::uint8_t { syslog, journal };
  static constexpr std::string_view kSyslogSocket = "/dev/log";
  static constexpr std::string_view kJournalSocket = "/run/systemd/journal/socket";

  Kind kind = Kind::syslog;
  std::string where;  // an absolute path, or "udp://192.0.2.1:514"
  [[nodiscard]] bool is_path() const noexcept { return where.starts_with('/'); }
};

// What `target` (AppLog::out, AppLog::err or DaemonLog::file) says; unset: it is no sink.
[[nodiscard]] std::optional<LogSink> log_sink(std::string_view target);
// Why there can be no such sink; empty: there can.
[[nodiscard]] std::string why_no_sink(const LogSink& sink);

}  // namespace gracevisor::config
