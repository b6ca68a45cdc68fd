#include "decide/fact_log.h"

#include <fmt/format.h>

#include "decide/fact_receipt.h"

namespace gracevisor::decide {
namespace {

using base::LogLevel;
using Text = std::optional<LogText>;

class LogWriter {
 public:
  explicit LogWriter(const Fact& fact) : fact_(fact) {}

  Text operator()(const fact::DeployBegan& began) const {
    return info(fmt::format("deploy-begin app={} generation={} instances={}", app(), began.generation.value(),
                            began.instances));
  }
  Text operator()(const fact::CutOver& cutover) const {
    return info(fmt::format("cutover app={} generation={} epoch={}", app(), cutover.generation.value(),
                            cutover.epoch.value()));
  }
  Text operator()(const fact::AdoptionLate& late) const {
    return warning(fmt::format("adoption-late worker={}", late.worker));
  }
  Text operator()(const fact::GuardHelpless& /*helpless*/) const {
    return error(fmt::format("guard-alert app={} cause=\"no old instance to go back to\"", app()));
  }
  Text operator()(const fact::DeployEnded& ended) const {
    return LogText{ended.exit == base::ExitCode::done ? LogLevel::info : LogLevel::error,
                   fmt::format("deploy-end app={} generation={} exit={} {}", app(), ended.generation.value(),
                               static_cast<int>(ended.exit), receipt_line(fact_)->text)};
  }
  Text operator()(const fact::Started& started) const {
    return info(fmt::format("started app={} generation={}", app(), started.generation.value()));
  }
  Text operator()(const fact::Exited& exited) const {
    return info(fmt::format("exit {} status=\"{}\"", instance(exited.who), text(exited.status)));
  }
  Text operator()(const fact::GaveUp& fatal) const {
    return error(fmt::format("fatal {} failures={} cause=\"{}\"", instance(fatal.who), fatal.failures,
                             text(fatal.status)));
  }
  Text operator()(const fact::PortTaken& taken) const {
    return warning(
        fmt::format(R"(port-taken {} next="another port" cause="{}")", instance(taken.who), taken.cause));
  }
  Text operator()(const fact::Replaced& replaced) const {
    return warning(fmt::format("replace {} cause=\"{}\"", instance(replaced.who), replaced.cause));
  }
  Text operator()(const fact::StopTimedOut& stop) const {
    return warning(fmt::format("stop-timeout {} next=SIGKILL", instance(stop.who)));
  }
  Text operator()(const fact::Unkillable& unkillable) const {
    return error(fmt::format("unkillable {} {}", instance(unkillable.who), unkillable.place));
  }
  Text operator()(const fact::RecordFailed& failed) const {
    return error(fmt::format("record app={} cause=\"{}\"", app(), failed.cause));
  }
  Text operator()(const fact::RecordWritten& /*written*/) const {
    return info(fmt::format("record-written app={}", app()));
  }
  // The receipt tells these to the one who deploys.
  Text operator()(const fact::Placed& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::AllHealthy& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::Drained& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::GuardPassed& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::Unconfirmed& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::OldEnded& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::CutBack& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::Culprit& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::Cause& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::ProbeFailed& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::Changed& /*fact*/) const { return std::nullopt; }

 private:
  [[nodiscard]] const std::string& app() const { return fact_.app; }
  [[nodiscard]] std::string instance(const routing::Identity& who) const {
    return fmt::format("app={} instance={}", app(), routing::instance_name(who));
  }
  static Text info(std::string text) { return LogText{LogLevel::info, std::move(text)}; }
  static Text warning(std::string text) { return LogText{LogLevel::warning, std::move(text)}; }
  static Text error(std::string text) { return LogText{LogLevel::error, std::move(text)}; }

  const Fact& fact_;
};

}  // namespace

std::optional<LogText> log_text(const Fact& fact) {
  return std::visit(LogWriter(fact), fact.what);
}

}  // namespace gracevisor::decide
