#include "decide/fact_log.h"

#include <fmt/format.h>

#include "base/one_line.h"
#include "base/signal_name.h"
#include "decide/fact_receipt.h"

namespace gracevisor::decide {
namespace {

using base::LogLevel;
using base::quotable;
constexpr std::size_t kMostOfALine = 300;
using Text = std::optional<LogText>;

class LogWriter {
 public:
  explicit LogWriter(const Fact& fact) : fact_(fact) {}

  Text operator()(const fact::DeployBegan& began) const {
    return info(fmt::format("deploy-begin app={} generation={} instances={}", app(), began.generation.value(),
                            began.instances));
  }
  Text operator()(const fact::DeployResumed& resumed) const {
    return info(fmt::format("deploy-resumed app={} generation={} step={}", app(), resumed.generation.value(),
                            text(resumed.step)));
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
  Text operator()(const fact::StartFailed& failed) const {
    return error(fmt::format(R"(start-failed app={} generation={} exit={} cause="{}" next="gvctl logs {}")",
                             app(), failed.generation.value(), static_cast<int>(failed.exit),
                             quotable(receipt_line(fact_)->text), app()));
  }
  Text operator()(const fact::Exited& exited) const {
    const std::string line =
        fmt::format("exit {} status=\"{}\"{}", instance(exited.who), text(exited.status), said(exited.words));
    return exited.unasked ? warning(line) : info(line);
  }
  Text operator()(const fact::CrashLooping& loop) const {
    return error(fmt::format(R"(crash-loop {} failures={} cause="{}"{} next="gvctl logs {}")",
                             instance(loop.who), loop.failures, text(loop.status), said(loop.words), app()));
  }
  Text operator()(const fact::GaveUp& fatal) const {
    const std::string retry =
        fatal.retry > base::Duration::zero()
            ? fmt::format(" retry_s={:.1f}", std::chrono::duration<double>(fatal.retry).count())
            : "";
    return error(fmt::format(R"(fatal {} failures={} cause="{}"{}{} next="gvctl logs {}")",
                             instance(fatal.who), fatal.failures, text(fatal.status), said(fatal.words),
                             retry, app()));
  }
  // The evidence of a failed deploy or start: nobody may be following its report.
  Text operator()(const fact::Culprit& culprit) const {
    return warning(fmt::format("cause {} {}", instance(culprit.who), receipt_line(fact_)->text));
  }
  Text operator()(const fact::SaidLast& said) const {
    return warning(fmt::format("output {} {}", instance(said.who), base::one_line(said.line, kMostOfALine)));
  }
  Text operator()(const fact::PortBusy& busy) const {
    if (busy.holder.empty()) return std::nullopt;
    return warning(fmt::format("port {} {}", instance(busy.who), receipt_line(fact_)->text));
  }
  Text operator()(const fact::ProbeFailed& probe) const {
    return warning(fmt::format("probe {} {}", instance(probe.who), receipt_line(fact_)->text));
  }
  Text operator()(const fact::StartTimedOut& late) const {
    return error(fmt::format(R"(start-timeout {} after_s={:.1f} cause="{}" next="gvctl logs {}")",
                             instance(late.who), std::chrono::duration<double>(late.time).count(),
                             quotable(late.probe), app()));
  }
  Text operator()(const fact::PortTaken& taken) const {
    return warning(fmt::format(R"(port-taken {} next="another port" cause="{}")", instance(taken.who),
                               quotable(taken.cause)));
  }
  Text operator()(const fact::Replaced& replaced) const {
    return warning(fmt::format("replace {} cause=\"{}\"", instance(replaced.who), quotable(replaced.cause)));
  }
  Text operator()(const fact::Signalled& sent) const {
    return info(fmt::format("signal app={} instances=\"{}\" signal={} uid={}", app(), sent.instances,
                            base::signal_name(sent.signal), sent.uid));
  }
  Text operator()(const fact::StopTimedOut& stop) const {
    return warning(fmt::format("stop-timeout {} next=SIGKILL", instance(stop.who)));
  }
  Text operator()(const fact::Unkillable& unkillable) const {
    return error(fmt::format("unkillable {} {}", instance(unkillable.who), unkillable.place));
  }
  Text operator()(const fact::RecordFailed& failed) const {
    return error(fmt::format("record app={} cause=\"{}\"", app(), quotable(failed.cause)));
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
  Text operator()(const fact::Cause& /*fact*/) const { return std::nullopt; }
  Text operator()(const fact::Changed& /*fact*/) const { return std::nullopt; }

 private:
  [[nodiscard]] const std::string& app() const { return fact_.app; }
  [[nodiscard]] std::string instance(const routing::Identity& who) const {
    return fmt::format("app={} instance={}", app(), routing::instance_name(who));
  }
  static std::string said(const std::string& words) {
    return words.empty() ? "" : fmt::format(" last=\"{}\"", words);
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
