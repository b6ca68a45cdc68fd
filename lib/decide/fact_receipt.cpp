#include "decide/fact_receipt.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/spec.h"

namespace gracevisor::decide {
namespace {

using base::GenerationId;
using Line = std::optional<ReportLine>;
using Fields = std::vector<ReportField>;

std::string seconds_text(base::Duration took) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(took).count());
}

std::int64_t millis(base::Duration took) {
  return std::chrono::duration_cast<base::Millis>(took).count();
}

template <class Number>
ReportField field(std::string_view name, Number number) {
  return {std::string(name), static_cast<std::int64_t>(number)};
}
ReportField field(std::string_view name, GenerationId generation) {
  return field(name, generation.value());
}
ReportField field(std::string_view name, std::string text) {
  return {std::string(name), std::move(text)};
}

std::uint64_t requests_in_flight(const EndpointCounts& counts) {
  return counts.in_flight - std::min(counts.tunnels, counts.in_flight);
}

// "9 in flight, 3 upgraded": requests, and connections that last as long as both ends like.
std::string in_flight_text(const EndpointCounts& counts) {
  std::string text = fmt::format("{} in flight", requests_in_flight(counts));
  if (counts.tunnels > 0) text += fmt::format(", {} upgraded", counts.tunnels);
  return text;
}

std::string traffic_text(const fact::Traffic& traffic) {
  std::string text = fmt::format("{} requests during the deploy, {} failed, {} retried, slowest {} ms",
                                 traffic.requests, traffic.failed, traffic.retried, millis(traffic.slowest));
  // A client that sends slowly is no delay of ours, but it explains what was waited for.
  if (const auto body = millis(traffic.slowest_body); body > 0)
    text += fmt::format(", slowest body {} ms", body);
  if (!traffic.touched.empty()) {
    text += fmt::format("; {} answered by the proxy itself on {}", traffic.own_answers, traffic.touched);
  }
  return text;
}

Fields traffic_fields(const fact::Traffic& traffic) {
  return {field("requests", traffic.requests),
          field("failed", traffic.failed),
          field("retried", traffic.retried),
          field("slowest_ms", millis(traffic.slowest)),
          field("slowest_body_ms", millis(traffic.slowest_body)),
          field("own_answers", traffic.own_answers)};
}

// "; port 20004 is held by pid 77 (nginx); the process listens on [::1]:3000"
std::string owner_text(const fact::ProbeFailed& probe) {
  std::string text;
  if (!probe.owner) return text;
  const auto& [ownership, detail, elsewhere] = *probe.owner;
  const bool told = detail.empty() || probe.text.find(detail) != std::string::npos;
  if (ownership != Ownership::unknown && !told) text += "; " + detail;
  for (const std::string& address : elsewhere) text += "; the process listens on " + address;
  return text;
}

// Why a generation did not become healthy: "web@3 exited before it was healthy (KeyError: 'URL', app.py line
// 4)".
std::string unhealthy_text(const std::string& name, base::ExitCode exit, bool executed, base::Duration after,
                           const std::string& cause) {
  if (exit == base::ExitCode::health_timeout) {
    return fmt::format("{} was not healthy after {}: {}", name, seconds_text(after), cause);
  }
  if (exit != base::ExitCode::exited_before_healthy) return fmt::format("{}: {}", name, cause);
  return fmt::format("{} {} ({})", name, executed ? "exited before it was healthy" : "did not start", cause);
}

class ReceiptWriter {
 public:
  explicit ReceiptWriter(const Fact& fact) : fact_(fact) {}

  Line operator()(const fact::DeployBegan& began) const {
    std::string was = began.was ? fmt::format(" (was @{})", began.was->value()) : "";
    Fields fields = {field("generation", began.generation), field("instances", began.instances),
                     field("directory", began.directory)};
    if (began.was) fields.push_back(field("old_generation", *began.was));
    return line("deploy",
                fmt::format("{}{}  {} instance{}  {}", name(began.generation), was, began.instances,
                            began.instances == 1 ? "" : "s", began.directory),
                std::move(fields));
  }
  Line operator()(const fact::DeployResumed& resumed) const {
    Fields fields = {field("generation", resumed.generation), field("step", std::string(text(resumed.step)))};
    std::string was;
    if (resumed.was) {
      was = fmt::format(" (was @{})", resumed.was->value());
      fields.push_back(field("old_generation", *resumed.was));
    }
    std::string goes_on;
    if (resumed.step == spec::DeployStep::guarding) {
      goes_on = fmt::format("; the guard goes on for {}, and counts begin anew", seconds_text(resumed.guard));
    } else if (resumed.step == spec::DeployStep::finishing) {
      goes_on = "; counts begin anew";
    }
    return line(
        "deploy",
        fmt::format("{}{}  the daemon was restarted meanwhile{}", name(resumed.generation), was, goes_on),
        std::move(fields));
  }
  Line operator()(const fact::Placed& placed) const {
    std::string all;
    std::vector<StartedInstance> started;
    for (const auto& [who, where] : placed.places) {
      const std::string instance = routing::instance_name(who);
      all += fmt::format("{}{} {}", all.empty() ? "" : "   ", instance, decide::text(where));
      if (where.pid != 0) started.push_back({instance, where.pid, where.address});
    }
    Line placed_line = placed.moved ? line("", "moved: " + all) : line("start", all);
    placed_line->started = std::move(started);
    return placed_line;
  }
  Line operator()(const fact::AllHealthy& healthy) const {
    std::string gate = healthy.probe.empty() ? "alive for " + seconds_text(healthy.took)
                                             : fmt::format("{} ({} ms)", healthy.probe, millis(healthy.took));
    if (healthy.weak) gate += "  gate: GET / below 500; set health for a real check";
    return line("healthy", fmt::format("{}/{}  {}", healthy.healthy, healthy.instances, gate),
                {field("healthy", healthy.healthy), field("instances", healthy.instances),
                 field("took_ms", millis(healthy.took))});
  }
  Line operator()(const fact::CutOver& cutover) const {
    std::string old;
    Fields fields = {field("generation", cutover.generation), field("epoch", cutover.epoch.value())};
    if (!cutover.routed) {
      if (cutover.old) fields.push_back(field("old_generation", *cutover.old));
      old = cutover.old ? fmt::format("; @{} told to stop", cutover.old->value()) : "";
      return line("cutover", fmt::format("@{} takes over{}", cutover.generation.value(), old),
                  std::move(fields));
    }
    if (cutover.old) {
      old = fmt::format("   (@{} has {})", cutover.old->value(), in_flight_text(cutover.of_old));
      fields.push_back(field("old_generation", *cutover.old));
      fields.push_back(field("in_flight", requests_in_flight(cutover.of_old)));
      fields.push_back(field("upgraded", cutover.of_old.tunnels));
    }
    return line("cutover", fmt::format("new requests -> @{}{}", cutover.generation.value(), old),
                std::move(fields));
  }
  Line operator()(const fact::AdoptionLate& late) const {
    return line("", fmt::format("worker {} has not adopted the cutover after 1 s", late.worker),
                {field("worker", late.worker)});
  }
  Line operator()(const fact::Drained& drained) const {
    return line("drained",
                fmt::format("@{} in {}: {} finished, {} cut", drained.old.value(), seconds_text(drained.took),
                            drained.finished, drained.cut),
                {field("old_generation", drained.old), field("took_ms", millis(drained.took)),
                 field("finished", drained.finished), field("cut", drained.cut)});
  }
  Line operator()(const fact::GuardPassed& passed) const {
    return line("guard", fmt::format("ok: {} requests", passed.requests),
                {field("requests", passed.requests)});
  }
  Line operator()(const fact::Unconfirmed& record) const {
    return line("record",
                fmt::format("could not be written: {}; it is tried again, and @{} is kept until then",
                            record.cause, record.kept.value()));
  }
  Line operator()(const fact::OldEnded& ended) const {
    std::string exits;
    std::vector<StoppedInstance> stopped;
    for (const auto& [who, status] : ended.exits) {
      exits += (exits.empty() ? " " : ", ") + text(status);
      stopped.push_back(stopped_instance(who, status));
    }
    if (ended.killed_after) exits += fmt::format(", killed after {}", seconds_text(*ended.killed_after));
    Line ended_line =
        line("stopped", fmt::format("@{}{}", ended.old.value(), exits), {field("old_generation", ended.old)});
    ended_line->stopped = std::move(stopped);
    return ended_line;
  }
  Line operator()(const fact::CutBack& back) const {
    return line("cutback", fmt::format("new requests -> @{}", back.old.value()),
                {field("generation", back.old)});
  }
  Line operator()(const fact::Culprit& culprit) const {
    const std::string who = routing::instance_name(culprit.who);
    const std::string lived = seconds_text(culprit.lived);
    std::string cause = culprit.exit
                            ? fmt::format("{} {} after {}", who, text(*culprit.exit), lived)
                            : fmt::format("{} {} for {}, not healthy", who, text(culprit.state), lived);
    Fields fields = {field("instance", who), field("lived_ms", millis(culprit.lived))};
    if (!culprit.words.empty()) fields.push_back(field("said", culprit.words));
    return line("cause", std::move(cause), std::move(fields));
  }
  Line operator()(const fact::SaidLast& said) const { return line("", said.line); }
  Line operator()(const fact::PortBusy& busy) const {
    if (busy.holder.empty()) return std::nullopt;
    return line("system", busy.holder + ": let the app listen at {port}, which is in PORT, too",
                {field("instance", routing::instance_name(busy.who))});
  }
  Line operator()(const fact::Cause& cause) const { return line("cause", cause.text); }
  Line operator()(const fact::ProbeFailed& probe) const {
    return line("probe", probe.text + owner_text(probe),
                {field("instance", routing::instance_name(probe.who))});
  }
  Line operator()(const fact::Changed& changed) const {
    std::string changes = spec::changes_of(changed.keys);
    if (changes.empty()) changes = fmt::format("nothing against @{}", changed.old.value());
    Line keys = line("changed", std::move(changes), {field("old_generation", changed.old)});
    keys->keys = spec::key_names(changed.keys);
    return keys;
  }
  Line operator()(const fact::DeployEnded& ended) const {
    const bool done = ended.exit == base::ExitCode::done;
    Fields fields = done && ended.routed ? traffic_fields(ended.traffic) : Fields();
    fields.push_back(field("generation", ended.generation));
    if (ended.back_to) fields.push_back(field("back_to", *ended.back_to));
    if (!done) {
      fields.push_back(field("while", std::string(decide::text(ended.phase))));
      fields.push_back(field("after_ms", millis(ended.after)));
    }
    if (!ended.cause.empty()) fields.push_back(field("cause", ended.cause));
    return ReportLine{.phase = done ? "done" : "failed",
                      .text = done ? success_text(ended) : failure_text(ended),
                      .exit = ended.exit,
                      .fields = std::move(fields)};
  }
  // The daemon's log tells these, whatever is being deployed.
  Line operator()(const fact::GuardHelpless& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::Started& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::StartFailed& failed) const {
    std::string text =
        unhealthy_text(name(failed.generation), failed.exit, failed.executed, failed.after, failed.cause);
    const bool timeout = failed.exit == base::ExitCode::health_timeout;
    if (timeout) text += fmt::format("; {}/{} healthy", failed.healthy, failed.instances);
    if (timeout && !failed.late) text += ", the probes go on";
    if (failed.late)
      text += failed.again ? "; it is ended, and started again after a pause" : "; it is ended";
    if (!failed.late && failed.again) text += "; it is started again after a pause";
    return ReportLine{.phase = "failed",
                      .text = std::move(text),
                      .exit = failed.exit,
                      .fields = {field("generation", failed.generation), field("cause", failed.cause),
                                 field("after_ms", millis(failed.after)), field("healthy", failed.healthy),
                                 field("instances", failed.instances)}};
  }
  Line operator()(const fact::Exited& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::StartTimedOut& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::CrashLooping& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::GaveUp& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::PortTaken& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::Replaced& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::Signalled& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::StopTimedOut& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::Unkillable& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::RecordFailed& /*fact*/) const { return std::nullopt; }
  Line operator()(const fact::RecordWritten& /*fact*/) const { return std::nullopt; }

 private:
  static Line line(std::string phase, std::string text, Fields fields = {}) {
    return ReportLine{.phase = std::move(phase), .text = std::move(text), .fields = std::move(fields)};
  }
  // "web@43", as commands name a generation.
  [[nodiscard]] std::string name(GenerationId generation) const {
    return fmt::format("{}@{}", fact_.app, generation.value());
  }
  [[nodiscard]] std::string success_text(const fact::DeployEnded& ended) const {
    return ended.routed ? traffic_text(ended.traffic) : name(ended.generation) + " runs";
  }
  // "web@43 exited before it was healthy (KeyError: 'URL', app.py line 4); @42 serves 2/2"; or "web@43
  // stopped by uid 0 in guarding after 3.1 s"; or "web@43 rolled back to @42 after 3.1 s: 43.1 exit 1".
  [[nodiscard]] std::string failure_text(const fact::DeployEnded& ended) const {
    if (!ended.told.empty()) return ended.told;
    std::string text;
    if (ended.back_to) {
      text = fmt::format("{} rolled back to @{} after {}: {}", name(ended.generation), ended.back_to->value(),
                         seconds_text(ended.after), ended.cause);
    } else if (!ended.interrupted.empty()) {
      text = fmt::format("{} {} in {} after {}", name(ended.generation), ended.interrupted,
                         decide::text(ended.phase), seconds_text(ended.after));
    } else {
      text = unhealthy_text(name(ended.generation), ended.exit, ended.executed, ended.after, ended.cause);
    }
    if (!ended.serving) return text;
    const auto& [generation, healthy, instances] = *ended.serving;
    return text + "; " + serving_text(fmt::format("@{}", generation.value()), healthy, instances);
  }

  const Fact& fact_;
};

}  // namespace

std::optional<ReportLine> receipt_line(const Fact& fact) {
  return std::visit(ReceiptWriter(fact), fact.what);
}

StoppedInstance stopped_instance(const routing::Identity& who, const spawn::ExitStatus& status) {
  StoppedInstance stopped{.instance = routing::instance_name(who), .last_exit = text(status)};
  if (const auto* exited = std::get_if<spawn::Exited>(&status)) stopped.code = exited->code;
  if (const auto* signaled = std::get_if<spawn::Signaled>(&status)) stopped.signal = signaled->signal;
  return stopped;
}

std::string serving_text(std::string_view generation, std::size_t healthy, std::size_t instances) {
  return healthy > 0 ? fmt::format("{} serves {}/{}", generation, healthy, instances)
                     : fmt::format("{} goes on, 0/{} healthy", generation, instances);
}

void add_line(const Fact& fact, Report& receipt) {
  if (auto line = receipt_line(fact)) receipt.add(fact.at, std::move(*line));
}

}  // namespace gracevisor::decide
