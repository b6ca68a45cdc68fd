#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace gracevisor::base {
namespace {

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

Expected<Log> Log::open(const std::string& file, LogLevel level, std::size_t max_bytes, std::size_t keep) {
  spdlog::sink_ptr sink;
  if (file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    try {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file, max_bytes, keep);
    } catch (const spdlog::spdlog_ex& e) {
      return fail("cannot open the log file " + file + ": " + e.what());
    }
  }
  auto logger = std::make_shared<spdlog::logger>("gracevisord", std::move(sink));
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(to_spdlog(level));
  logger->flush_on(spdlog::level::debug);
  return Log(std::move(logger));
}

Log Log::silent() {
  return Log(std::make_shared<spdlog::logger>("silent", std::make_shared<spdlog::sinks::null_sink_mt>()));
}

void Log::write(LogLevel level, const std::string& line) {
  logger_->log(to_spdlog(level), "{}", line);
}

}  // namespace gracevisor::base
