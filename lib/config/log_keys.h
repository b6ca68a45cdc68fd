// [app.NAME.log], and where access logs go, which apps and listeners specify in the same way. Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"

namespace gracevisor::config {

void read_stdout(Reading& reading, const Item& item, std::string& target);
void read_stderr(Reading& reading, const Item& item, std::string& target);
// False: the value names no sink (log_target.h). Otherwise it was read, or refused.
[[nodiscard]] bool read_sink(Reading& reading, const Item& item, std::string& target);
// "", "inherit" or an absolute path.
void read_access_path(Reading& reading, const Item& item, std::string& path);

inline constexpr By kAccessPath{read_access_path, quote_if_set, R"(a file's absolute path, or "inherit")"};
inline constexpr Key kAccessFormatKey{"access_format", Takes::writer};
inline constexpr Choice<AccessFormat> kAccessFormats[] = {{"json", AccessFormat::json},
                                                          {"combined", AccessFormat::combined}};
inline constexpr Choice<AppLog::Format> kLogFormats[] = {
    {"plain", AppLog::Format::plain}, {"prefixed", AppLog::Format::prefixed}, {"json", AppLog::Format::json}};
inline constexpr Choice<AppLog::OnFull> kOnFull[] = {{"drop", AppLog::OnFull::drop},
                                                     {"block", AppLog::OnFull::block}};

// What holds for the files of each log.
inline constexpr Size kFileSize{{1024, 1ULL << 40}};
inline constexpr Number kKeptFiles{{0, 1000}};
inline constexpr Duration kFileAge{{Millis(0), 3650 * kDay}};
inline constexpr Size kTotalSize{{0, 1ULL << 50}};
inline constexpr std::string_view kMaxSizeComment = "how large a file grows before a new one begins";
inline constexpr std::string_view kKeepComment = "how many old files stay";
inline constexpr std::string_view kMaxAgeComment =
    R"(old files written to last before that are removed; "0s": none)";

void keys(auto& key, IsA<AppLog> auto& value) {
  auto& [out, err, max_size, keep, format, access, access_format, on_full, max_age, total_size, compress] =
      value;
  key({"stdout", Takes::writer,
       R"(without it <state_dir>/log/APP.log; or "journal", "syslog"; "inherit": the daemon's standard error)",
       R"("/var/log/gracevisor/web.log")"},
      By{read_stdout, quote_if_set, R"(a file's path, "journal", "syslog", or "inherit")"},
      named("out", out));
  key({"stderr", Takes::writer},
      By{read_stderr, quote_text, R"("stdout", a file's path, "journal", "syslog", or "inherit")"},
      named("err", err));
  key({"max_size", Takes::writer, kMaxSizeComment}, kFileSize, max_size);
  key({"keep", Takes::writer, kKeepComment}, kKeptFiles, keep);
  key({"format", Takes::writer,
       R"("plain": byte for byte; the others say when each line was written, and by which instance)"},
      OneOf{kLogFormats}, format);
  key({"access", Takes::writer, R"(a line for each request; "inherit": the daemon's standard error)",
       R"("/var/log/gracevisor/web.access.log")"},
      kAccessPath, access);
  key(kAccessFormatKey, OneOf{kAccessFormats}, access_format);
  key({"on_full", Takes::writer, R"(when nothing is written for 2 s: "block" makes the app wait)"},
      OneOf{kOnFull}, on_full);
  key({"max_age", Takes::writer, kMaxAgeComment}, kFileAge, max_age);
  key({"total_size", Takes::writer, "of all its log files together, beyond which the oldest go; \"0\": any"},
      kTotalSize, total_size);
  key({"compress", Takes::writer, "old files become web.log.1.gz and so on"}, Boolean(), compress);
}

}  // namespace gracevisor::config
