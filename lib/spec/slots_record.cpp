#include "spec/slots_record.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "config/config.h"
#include "spec/boot_time_json.h"
#include "spec/state_file.h"
#include "spec/state_json.h"

namespace gracevisor::spec {
namespace {

constexpr std::uint64_t kSlotsVersion = 1;
constexpr std::size_t kMostSlots = std::size_t{4} * config::kMostInstances;  // of several generations
constexpr std::size_t kMostText = 1024;
constexpr unsigned kMostCount = 1'000'000'000;  // of failures or restarts: far from overflowing
constexpr int kMostSignals = 64;

constexpr std::array kStates = {
    std::pair(SlotState::starting, std::string_view("starting")),
    std::pair(SlotState::healthy, std::string_view("healthy")),
    std::pair(SlotState::unhealthy, std::string_view("unhealthy")),
    std::pair(SlotState::replacing, std::string_view("replacing")),
    std::pair(SlotState::backoff, std::string_view("backoff")),
    std::pair(SlotState::resting, std::string_view("resting")),
    std::pair(SlotState::fatal, std::string_view("fatal")),
};

std::string_view word_of(SlotState state) {
  for (const auto& [value, word] : kStates) {
    if (value == state) return word;
  }
  return {};
}

// A number from 0 to `most`; unset if it is none.
std::optional<std::uint64_t> number_up_to(const Json& object, const char* key, std::uint64_t most) {
  const auto number = number_from_json(object, key);
  return number && *number <= most ? number : std::nullopt;
}

Json exit_to_json(const spawn::ExitStatus& status) {
  if (const auto* exited = std::get_if<spawn::Exited>(&status)) {
    return {{"code", exited->code}, {"left", exited->left}};
  }
  if (const auto* signaled = std::get_if<spawn::Signaled>(&status)) {
    return {
        {"signal", signaled->signal}, {"core", signaled->core}, {"out_of_memory", signaled->out_of_memory}};
  }
  if (std::holds_alternative<spawn::Unknown>(status)) return {{"unknown", true}};
  const auto& failed = std::get<spawn::SpawnFailed>(status);
  return {{"stage", static_cast<std::uint64_t>(failed.stage)},
          {"error", failed.code},
          {"why", string_to_json(failed.why.substr(0, kMostText))}};
}

std::optional<spawn::ExitStatus> exit_from_json(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  if (json.contains("code")) {
    const auto code = number_up_to(json, "code", 255);
    const auto left = number_up_to(json, "left", kMostCount);
    if (!code || !left) return std::nullopt;
    return spawn::Exited{static_cast<int>(*code), static_cast<std::size_t>(*left)};
  }
  if (json.contains("signal")) {
    const auto signal = number_up_to(json, "signal", kMostSignals);
    bool core = false;
    bool out_of_memory = false;  // of a former version: not told
    if (!signal || *signal == 0 || !json.contains("core") || !base::take_value(json["core"], core)) {
      return std::nullopt;
    }
    if (json.contains("out_of_memory") && !base::take_value(json["out_of_memory"], out_of_memory))
      return std::nullopt;
    return spawn::Signaled{static_cast<int>(*signal), core, out_of_memory};
  }
  if (json.contains("unknown")) {
    bool unknown = false;
    if (!base::take_value(json["unknown"], unknown) || !unknown) return std::nullopt;
    return spawn::Unknown{};
  }
  const auto stage = number_up_to(json, "stage", static_cast<std::uint64_t>(spawn::kLastStage));
  const auto error = number_up_to(json, "error", std::numeric_limits<int>::max());
  auto why = json.contains("why") ? string_from_json(json["why"]) : std::nullopt;
  if (!stage || !error || !why || why->size() > kMostText) return std::nullopt;
  return spawn::SpawnFailed{static_cast<spawn::SpawnStage>(*stage), static_cast<int>(*error),
                            std::move(*why)};
}

Json to_json(const SlotRecord& slot) {
  Json json;
  json["generation"] = slot.generation.value();
  json["slot"] = slot.slot.value();
  json["incarnation"] = slot.incarnation.value();
  json["state"] = word_of(slot.state);
  json["failures"] = std::min(slot.failures, kMostCount);
  json["restarts"] = std::min(slot.restarts, kMostCount);
  json["restart_at"] = boot_time_to_json(slot.restart_at);
  json["last_exit"] = slot.last_exit ? exit_to_json(*slot.last_exit) : Json();
  return json;
}

std::optional<SlotState> state_of(const Json& json) {
  const auto text = string_from_json(json);
  for (const auto& [value, word] : kStates) {
    if (text == word) return value;
  }
  return std::nullopt;
}

std::optional<SlotRecord> slot_from_json(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  const auto generation = number_up_to(json, "generation", kMaxGeneration);
  const auto slot = number_up_to(json, "slot", config::kMostInstances);
  const auto incarnation = number_up_to(json, "incarnation", kMaxGeneration);
  const auto state = json.contains("state") ? state_of(json["state"]) : std::nullopt;
  const auto failures = number_up_to(json, "failures", kMostCount);
  const auto restarts = number_up_to(json, "restarts", kMostCount);
  const auto restart_at = boot_time_from_json(json, "restart_at");
  const bool whole = generation && slot && incarnation && state && failures && restarts && restart_at;
  if (!whole || *generation == 0 || *slot == 0 || !json.contains("last_exit")) return std::nullopt;
  SlotRecord record{base::GenerationId(*generation),
                    base::Slot(static_cast<std::uint32_t>(*slot)),
                    base::Incarnation(*incarnation),
                    *state,
                    static_cast<unsigned>(*failures),
                    static_cast<unsigned>(*restarts),
                    *restart_at,
                    {}};
  if (!json["last_exit"].is_null()) {
    record.last_exit = exit_from_json(json["last_exit"]);
    if (!record.last_exit) return std::nullopt;
  }
  // It has come to this by an exit.
  const bool by_exit = *state == SlotState::resting || *state == SlotState::fatal;
  if (by_exit && !record.last_exit) return std::nullopt;
  return record;
}

}  // namespace

const SlotRecord* SlotsRecord::find(base::GenerationId generation, base::Slot slot) const {
  const auto found = std::ranges::find_if(
      slots, [&](const SlotRecord& one) { return one.generation == generation && one.slot == slot; });
  return found == slots.end() ? nullptr : &*found;
}

std::string to_text(const SlotsRecord& record) {
  Json json;
  json["version"] = kSlotsVersion;
  json["app"] = string_to_json(record.app);
  json["boot"] = string_to_json(record.boot);
  Json& slots = json["slots"] = Json::array();
  for (const SlotRecord& slot : record.slots) slots.push_back(to_json(slot));
  return json.dump() + "\n";
}

base::Expected<SlotsRecord> slots_from_text(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return base::fail("damaged: no JSON object");
  if (number_from_json(json, "version") != kSlotsVersion)
    return base::fail("damaged, or of an unknown version");
  auto app = json.contains("app") ? string_from_json(json["app"]) : std::nullopt;
  auto boot = json.contains("boot") ? string_from_json(json["boot"]) : std::nullopt;
  const auto slots = json.find("slots");
  const bool whole = app && boot && slots != json.end() && slots->is_array() && slots->size() <= kMostSlots;
  if (!whole) return base::fail("damaged: app, boot or slots is missing");
  SlotsRecord record{std::move(*app), std::move(*boot), {}};
  std::set<std::pair<base::GenerationId, base::Slot>> seen;
  for (const Json& entry : *slots) {
    auto slot = slot_from_json(entry);
    if (!slot) return base::fail("damaged: a slot is not whole");
    if (!seen.emplace(slot->generation, slot->slot).second)
      return base::fail("damaged: a slot is there twice");
    record.slots.push_back(std::move(*slot));
  }
  return record;
}

std::string journal_head(std::uint64_t number) {
  Json json;
  json["journal"] = number;
  return json.dump() + "\n";
}

base::Expected<SlotsJournalText> journal_from_text(std::string_view text) {
  const auto next_line = [&text]() -> std::optional<std::string> {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string line(text.substr(0, end));
    text.remove_prefix(end + 1);
    return line;
  };
  SlotsJournalText journal;
  const auto head = next_line();
  const Json json = head ? Json::parse(*head, nullptr, false) : Json();
  const auto number = json.is_object() ? number_from_json(json, "journal") : std::nullopt;
  if (!number) return base::fail("how the slots are: damaged: no number");
  journal.number = *number;
  while (const auto line = next_line()) {
    auto record = slots_from_text(*line);
    if (!record) continue;
    const std::string app = record->app;
    journal.slots.insert_or_assign(app, std::move(*record));
  }
  return journal;
}

}  // namespace gracevisor::spec
