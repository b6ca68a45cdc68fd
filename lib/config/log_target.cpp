#include "config/log_target.h"

#include <array>
#include <filesystem>

#include "base/address.h"

namespace gracevisor::config {
namespace {

constexpr std::string_view kUdp = "udp://";
// The folder of a socket is used by its descriptor, so only its name has to fit into an address.
constexpr std::size_t kMostName = 80;

struct SinkWord {
  std::string_view word;
  LogSink::Kind kind;
  std::string_view otherwise;
};
constexpr std::array<SinkWord, 2> kSinkWords = {
    {{"syslog", LogSink::Kind::syslog, LogSink::kSyslogSocket},
     {"journal", LogSink::Kind::journal, LogSink::kJournalSocket}}};

std::string why_no_udp(std::string_view address) {
  const auto to = base::Address::parse(address);
  if (!to || to->is_unix() || to->dual_stack() || to->port().value() == 0) {
    return R"(expected an address and a port, such as "syslog:udp://192.0.2.1:514" or "syslog:udp://[::1]:514")"
           " (no name: it would have to be looked up again and again)";
  }
  return {};
}

}  // namespace

std::optional<LogSink> log_sink(std::string_view target) {
  for (const SinkWord& one : kSinkWords) {
    if (!target.starts_with(one.word)) continue;
    const std::string_view rest = target.substr(one.word.size());
    if (rest.empty()) return LogSink{one.kind, std::string(one.otherwise)};
    if (rest.front() == ':') return LogSink{one.kind, std::string(rest.substr(1))};
  }
  return std::nullopt;
}

std::string why_no_sink(const LogSink& sink) {
  const std::string_view where = sink.where;
  if (where.starts_with(kUdp)) {
    if (sink.kind == LogSink::Kind::syslog) return why_no_udp(where.substr(kUdp.size()));
    return "journald takes nothing by UDP";
  }
  if (where.find('\0') != std::string_view::npos) return "a path cannot hold a NUL byte";
  const std::filesystem::path path(where);
  if (!path.is_absolute() || !path.has_filename())
    return "expected a socket's absolute path behind the colon";
  if (path.filename().native().size() > kMostName) return "the socket's name is longer than 80 bytes";
  return {};
}

}  // namespace gracevisor::config
