#include "decide/explain.h"

#include <fmt/format.h>

#include <utility>

#include "decide/last_words.h"

namespace gracevisor::decide {
namespace {

constexpr std::size_t kOutputLines = 20;

// Tells facts of one instance, which become lines of one report.
class Teller {
 public:
  Teller(const Instance& instance, const Surroundings& around, Report& report)
      : app_(instance.spec()->app.name), around_(around), report_(report) {}

  void tell(Fact::What what) const {
    around_.effects.tell({around_.knowledge.now(), app_, std::move(what)}, &report_);
  }
  // The line that it became, with what Effects::tell() filled in; empty if it became none.
  [[nodiscard]] std::string tell_and_quote(Fact::What what) const {
    const std::size_t before = report_.lines().size();
    tell(std::move(what));
    return report_.lines().size() == before ? "" : report_.lines().back().text;
  }

 private:
  const std::string& app_;
  const Surroundings& around_;
  Report& report_;
};

std::string cause_of(const spawn::ExitStatus& status, const std::string& words) {
  const auto* exited = std::get_if<spawn::Exited>(&status);
  if (words.empty()) return text(status);
  const bool enough = exited != nullptr && exited->code != 0 && tell_why(words);
  return enough ? words : text(status) + ": " + words;
}

}  // namespace

std::string last_words_of(const Instance& instance, const Knowledge& knowledge) {
  const auto& exit = instance.last_exit();
  if (exit && std::holds_alternative<spawn::SpawnFailed>(*exit)) return {};
  return last_words(knowledge.last_output(instance.identity(), kOutputLines));
}

Explanation explain(const Instance& culprit, const Surroundings& around, Report& report) {
  const Teller teller(culprit, around, report);
  const config::App& app = culprit.spec()->app;
  const Identity& who = culprit.identity();
  // One that is coming up, or was until now, has not exited; the incarnation before it may have.
  std::optional<spawn::ExitStatus> exit;
  if (!culprit.coming_up() && !culprit.late()) exit = culprit.last_exit();
  const std::vector<std::string> lines = around.knowledge.last_output(who, kOutputLines);
  const std::string words = last_words_of(culprit, around.knowledge);
  teller.tell(fact::Culprit{who, exit, culprit.state(), culprit.lived(around.knowledge.now()), words});
  for (const std::string& line : lines) teller.tell(fact::SaidLast{who, line});
  Explanation result;
  result.wrote = !lines.empty();
  if (exit) {
    result.cause = cause_of(*exit, words);
    result.executed = !std::holds_alternative<spawn::SpawnFailed>(*exit);
    if (auto ports = ports_in_use(lines, app.command); !ports.empty()) {
      const std::string busy = teller.tell_and_quote(fact::PortBusy{who, std::move(ports)});
      if (!busy.empty()) result.cause += "; " + busy;
    }
  }
  if (!config::is_routed(app.endpoint)) {
    if (!exit) result.cause = culprit.probe_text();
    return result;
  }
  fact::ProbeFailed probe{who, culprit.probe_text()};
  if (!exit) probe.owner.emplace();
  const std::string probed = teller.tell_and_quote(std::move(probe));
  if (!exit) result.cause = probed;
  return result;
}

}  // namespace gracevisor::decide
