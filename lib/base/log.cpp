#include "base/log.h"

#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <utility>

namespace gracevisor::base {
namespace {

// spdlog only makes the lines; where they go and when a file is rotated is decided elsewhere.
class HandingOn final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit HandingOn(Log::Sink to) : to_(std::move(to)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (to_) to_(std::string_view(line.data(), line.size()));
  }
  void flush_() override {}

  Log::Sink to_;
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

Log::Log(LogLevel level, Sink sink)
    : logger_(std::make_shared<spdlog::logger>("gracevisord", std::make_shared<HandingOn>(std::move(sink)))) {
  logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger_->set_level(to_spdlog(level));
}

void Log::set_level(LogLevel level) {
  logger_->set_level(to_spdlog(level));
}

Log Log::silent() {
  return {LogLevel::error, {}};
}

void Log::write(LogLevel level, const std::string& line) {
  logger_->log(to_spdlog(level), "{}", line);
}

}  // namespace gracevisor::base
