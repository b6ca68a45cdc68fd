// [daemon]. Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"
#include "config/log_keys.h"
#include "config/read_table.h"

namespace gracevisor::config {

inline constexpr std::int64_t kMostStarts = 10'000;
inline constexpr NumberOrAuto kWorkers{{1, 256}};
// 0: as many as there are CPUs.
struct Workers {
  static void read(Reading& reading, const Item& item, unsigned& workers);
  [[nodiscard]] static std::string text(const unsigned& workers);
  [[nodiscard]] static std::string kind() { return kWorkers.kind(); }
};
[[nodiscard]] std::string folder_text(const std::filesystem::path& folder);
[[nodiscard]] std::string port_range_text(const PortRange& range);
[[nodiscard]] base::Expected<std::string> parse_group(std::string_view text);
void read_autodiscover(Reading& reading, const Item& item, std::filesystem::path& folder);
void read_log_file(Reading& reading, const Item& item, std::string& file);

inline constexpr Choice<base::LogLevel> kLevels[] = {{"debug", base::LogLevel::debug},
                                                     {"info", base::LogLevel::info},
                                                     {"warning", base::LogLevel::warning},
                                                     {"error", base::LogLevel::error}};

void keys(auto& key, IsA<DaemonLog> auto& value) {
  auto& [file, level, max_size, keep, max_age, total_size, compress] = value;
  key({"file", Takes::writer, R"("" is standard error)"},
      By{read_log_file, quote_text, R"(a file's path, "journal", or "syslog")"}, file);
  key({"level", Takes::next_use}, OneOf{kLevels}, level);
  key({"max_size", Takes::writer, kMaxSizeComment}, kFileSize, max_size);
  key({"keep", Takes::writer, kKeepComment}, kKeptFiles, keep);
  key({"max_age", Takes::writer, kMaxAgeComment}, kFileAge, max_age);
  key({"total_size", Takes::writer, R"(with its old files, beyond which the oldest go; "0": any)"},
      kTotalSize, total_size);
  key({"compress", Takes::writer, "old files become gracevisord.log.1.gz and so on"}, Boolean{}, compress);
}

void keys(auto& key, IsA<Daemon> auto& value) {
  auto& [workers, runtime_dir, state_dir, port_range, log, shutdown_timeout, upgrade_drain_timeout,
         max_starts, operator_group, autodiscover, cgroups] = value;
  const By folder{read_path, folder_text, "a path"};
  key({"workers", Takes::daemon, R"(proxy threads; "auto": one for each CPU)"}, Workers{}, workers);
  key({"runtime_dir", Takes::stop_start,
       "for the control socket, the lock and sockets of apps; not root: $XDG_RUNTIME_DIR/gracevisor"},
      folder, runtime_dir);
  key({"state_dir", Takes::stop_start, "for records and logs of apps; not root: $XDG_STATE_HOME/gracevisor"},
      folder, state_dir);
  key({"port_range", Takes::daemon,
       "where instances listen; twice as many as instances are needed for a deploy"},
      Parsed{parse_port_range, port_range_text, R"(a range of ports such as "20000-29999")"}, port_range);
  key({"shutdown_timeout", Takes::next_use, R"("auto": the largest drain + stop of all apps, + 10 s)"},
      DurationOrAuto{{Millis(0), kDay}}, shutdown_timeout);
  key({"upgrade_drain_timeout", Takes::next_use,
       "when WebSockets and the like that a former daemon has kept over an upgrade are closed; \"0\": never"},
      Duration{{Millis(0), 30 * kDay}}, upgrade_drain_timeout);
  key({"max_starts", Takes::next_use,
       R"(so many instances at most are starting at a time, of all apps; "auto": two for each CPU)"},
      NumberOrAuto{{1, kMostStarts}}, max_starts);
  key({"operator_group", Takes::daemon,
       "its members may use the control socket, besides root and the daemon's user"},
      Parsed{parse_group, quote_text, "a group's name"}, operator_group);
  key({"autodiscover", Takes::next_use,
       R"(its *.toml files define apps, and are applied as they change; "": none, gracevisord(8))"},
      By{read_autodiscover, folder_text, "a folder's path"}, autodiscover);
  key({"cgroups", Takes::daemon,
       "each instance in one of its own where the daemon may make them: nothing leaves it, and it can be "
       "limited"},
      Boolean{}, cgroups);
  key.table({"log", Takes::writer, "the daemon's own log"}, PlainTable{}, log);
}

}  // namespace gracevisor::config
