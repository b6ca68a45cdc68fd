// The daemon's own log: one event, one line, with a key=value tail: `cutover app=web generation=7 epoch=9`.
// It makes lines and hands them on; the sink must not block, since the thread does nothing else meanwhile.
// Thread: the supervisor's. Proxy workers never log; what they have to report is counted in the ledgers.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace gracevisor::base {

enum class LogLevel { debug, info, warning, error };

class Log {
 public:
  // Takes a whole line with its newline, valid during the call.
  using Sink = std::function<void(std::string_view)>;
  Log(LogLevel level, Sink sink);
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

  void set_level(LogLevel level);
  void write(LogLevel level, const std::string& line);

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace gracevisor::base
