#include "config/stop_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/read_table.h"

namespace gracevisor::config {
namespace {

constexpr std::size_t kMostRungs = 16;
constexpr Millis kTimeout{-1};  // while the table is read: the step waits for `timeout`

std::optional<StopStep> read_step(Reading& reading, const Item& item) {
  const auto& text = std::get<std::string>(item.value.data);
  auto colon = text.find(':');
  auto signal = parse_signal(std::string_view(text).substr(0, colon));
  if (!signal) {
    reading.error(item, signal.error().what);
    return std::nullopt;
  }
  if (colon == std::string::npos) return StopStep{*signal, kTimeout};
  Value rest{item.value.source, text.substr(colon + 1)};
  auto wait = kStopWait.value(reading, {item.path, rest});
  return wait ? std::optional(StopStep{*signal, *wait}) : std::nullopt;
}

// The number of steps that waited for it.
std::size_t set_timeout(Ladder& ladder, Millis timeout) {
  std::size_t steps = 0;
  for (StopStep& step : ladder) {
    if (step.wait != kTimeout) continue;
    step.wait = timeout;
    ++steps;
  }
  return steps;
}

}  // namespace

void StopSignals::read(Reading& reading, const Item& item, Ladder& ladder) {
  auto items = reading.texts(item, kind());
  const auto* array = std::get_if<Array>(&item.value.data);
  if (array != nullptr && (array->empty() || array->size() > kMostRungs)) {
    return reading.error(item, fmt::format("expected 1 to {} signals, found {}", kMostRungs, array->size()));
  }
  ladder.clear();
  for (const Item& element : items) {
    if (auto step = read_step(reading, element)) ladder.push_back(*step);
  }
}

std::string StopSignals::text(const Ladder& ladder) {
  if (ladder.size() == 1) return quote(signal_text(ladder.front().signal));
  std::vector<std::string> items;
  items.reserve(ladder.size());
  for (const StopStep& step : ladder) {
    items.push_back(signal_text(step.signal) + ":" + duration_text(step.wait));
  }
  return list_text(items);
}

void StopTimeout::read(Reading& reading, const Item& item, Ladder& ladder) {
  auto timeout = kStopWait.value(reading, item);
  if (!timeout) return;
  const bool failed = ladder.empty();  // and that was said
  if (set_timeout(ladder, *timeout) != 0 || failed) return;
  reading.findings().warning(item.key, item.path + ": has no effect, as each signal has a time of its own");
}

std::string StopTimeout::text(const Ladder& ladder) {
  return ladder.size() == 1 ? Duration::text(ladder.front().wait) : std::string();
}

bool StopSignals::same(const Ladder& one, const Ladder& other) {
  return std::ranges::equal(one, other, {}, &StopStep::signal, &StopStep::signal);
}

bool StopTimeout::same(const Ladder& one, const Ladder& other) {
  return !StopSignals::same(one, other) ||
         std::ranges::equal(one, other, {}, &StopStep::wait, &StopStep::wait);
}

void StopTimeout::take(Ladder& ladder, const Ladder& from) {
  if (StopSignals::same(ladder, from)) ladder = from;
}

void StopTable::read(Reading& reading, const Item& item, Stop& out) {
  const Table* table = reading.table(item);
  if (table == nullptr) return;
  const Millis usual = out.ladder.front().wait;
  out.ladder.front().wait = kTimeout;
  read_table(reading, item.path, *table, out);
  (void)set_timeout(out.ladder, usual);
}

}  // namespace gracevisor::config
