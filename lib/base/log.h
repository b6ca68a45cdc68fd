// The daemon's own log: one event, one line, with a key=value tail: `cutover app=web generation=7 epoch=9`.
// Thread: the supervisor's. Proxy workers never log; what they have to say is counted in the ledgers.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <string>

#include "base/error.h"

namespace spdlog {
class logger;
}

namespace gracevisor::base {

enum class LogLevel { debug, info, warning, error };

class Log {
 public:
  // To standard error, or to `file` when it is not empty, rotated at max_bytes with `keep` old files.
  [[nodiscard]] static Expected<Log> open(const std::string& file, LogLevel level, std::size_t max_bytes,
                                          std::size_t keep);
  // A log that writes nothing, for tests.
  [[nodiscard]] static Log silent();

  template <class... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) {
    write(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
  }

  void write(LogLevel level, const std::string& line);

 private:
  explicit Log(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace gracevisor::base
