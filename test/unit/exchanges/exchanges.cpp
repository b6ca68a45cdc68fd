#include "unit/exchanges/exchanges.h"

#include <algorithm>
#include <chrono>

#include "support/wire.h"

namespace gracevisor::test {
namespace {

// Longer than any window of the retry budget and any idle deadline of a pool.
constexpr std::chrono::seconds kBetween{30};

void render(const WireMessage& message, std::string& out) {
  bool own = !message.token().empty();
  out += (message.whole ? "" : "(not whole) ") + message.start + "\n";
  for (const auto& [name, value] : message.fields) {
    bool varies = name == "Date" || name == "X-Request-ID" || (own && name == "Content-Length");
    out += "  " + name + ": " + (varies ? "..." : value) + "\n";
  }
  if (!own) out += "  " + message.content + "\n";
  for (const auto& [name, value] : message.trailers) out += "  +" + name + ": " + value + "\n";
}

std::vector<bool> answers_to_head(const Script& script) {
  std::vector<bool> to_head;
  for (const Step& step : script.steps) {
    if (step.who != Step::Who::client) continue;
    for (const WireMessage& request : read_requests(step.bytes).messages) {
      to_head.push_back(request.start.starts_with("HEAD "));
    }
  }
  return to_head;
}

// Where the piece that begins at `sent` ends.
std::size_t end_of_piece(const Step& step, std::size_t sent, const Cut* cut, std::size_t index,
                         std::uint32_t& random) {
  std::size_t whole = step.bytes.size();
  if (cut == nullptr) return whole;
  if (cut->longest > 0) {
    random = random * 1664525U + 1013904223U;
    return std::min(whole, sent + 1 + (random >> 16U) % cut->longest);
  }
  return cut->step == index && sent < cut->position ? cut->position : whole;
}

void act(CoreRig& rig, RawEnd& end, const Step& step, const Cut* cut, std::size_t index) {
  std::uint32_t random = cut == nullptr ? 0 : cut->seed;
  for (std::size_t sent = 0; sent < step.bytes.size();) {
    std::size_t until = end_of_piece(step, sent, cut, index, random);
    end.send(std::string_view(step.bytes).substr(sent, until - sent));
    sent = until;
    if (sent < step.bytes.size()) rig.settle();
  }
  if (step.then == Step::Then::finish) end.finish_writing();
  rig.settle();
  if (step.then == Step::Then::reset) end.reset();
  rig.settle();
}

}  // namespace

std::string text_of(const Outcome& outcome) {
  const char* end = outcome.end == End::open ? "open" : outcome.end == End::finished ? "FIN" : "RST";
  return "requests:\n" + outcome.requests + "responses:\n" + outcome.responses + "end: " + end +
         ", failed: " + std::to_string(outcome.failed) + ", cut: " + std::to_string(outcome.cut);
}

Outcome play(CoreRig& rig, const Script& script, const Cut* cut) {
  std::uint64_t failed = rig.counts().failed.read();
  std::uint64_t cut_before = rig.cell().cut.read();
  RawEnd& client = rig.connect();
  for (std::size_t i = 0; i < script.steps.size(); ++i) {
    const Step& step = script.steps[i];
    RawEnd* end = step.who == Step::Who::client ? &client : rig.app(step.connection);
    if (end != nullptr) act(rig, *end, step, cut, i);
  }
  Outcome outcome;
  for (std::size_t i = 0; i < rig.app_connections(); ++i) {
    Wire wire = read_requests(rig.app(i)->received());
    if (!wire.problem.empty()) outcome.requests += "PROBLEM: " + wire.problem + "\n";
    for (const WireMessage& message : wire.messages) {
      if (message.whole) render(message, outcome.requests);
    }
  }
  Wire wire = read_responses(client.received(), client.end(), answers_to_head(script));
  if (!wire.problem.empty()) outcome.responses += "PROBLEM: " + wire.problem + "\n";
  for (const WireMessage& message : wire.messages) render(message, outcome.responses);
  if (!wire.rest.empty()) outcome.responses += "REST: " + wire.rest + "\n";
  outcome.end = client.end();
  outcome.failed = rig.counts().failed.read() - failed;
  outcome.cut = rig.cell().cut.read() - cut_before;
  rig.hang_up();
  rig.pass(kBetween);
  return outcome;
}

}  // namespace gracevisor::test
