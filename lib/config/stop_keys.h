// [app.NAME.stop]. Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"

namespace gracevisor::config {

using Ladder = std::vector<StopStep>;

// Signals without a time of their own wait for `timeout`: reading the table ends with that, so that every
// step of a ladder that was read has its time.
struct StopTable {
  static void read(Reading& reading, const Item& item, Stop& out);
  [[nodiscard]] static bool has_meaning(const Stop& /*stop*/) { return true; }
};

void read_signals(Reading& reading, const Item& item, Ladder& ladder);
[[nodiscard]] std::string signals_text(const Ladder& ladder);
void read_stop_timeout(Reading& reading, const Item& item, Ladder& ladder);
// Empty if there are several signals: each is written with its time.
[[nodiscard]] std::string stop_timeout_text(const Ladder& ladder);

inline constexpr Duration kStopWait{{Millis(0), kDay}};
inline constexpr Choice<Stop::Scope> kScopes[] = {{"group", Stop::Scope::group}, {"main", Stop::Scope::main}};
inline constexpr Choice<Stop::Leftover> kLeftovers[] = {{"kill", Stop::Leftover::kill},
                                                        {"leave", Stop::Leftover::leave}};

void keys(auto& key, IsA<Stop> auto& value) {
  auto& [ladder, scope, leftover] = value;
  key({"signal", Takes::deploy, R"(or a ladder: ["TSTP:60s", "TERM:30s"])"},
      By{read_signals, signals_text, R"(a signal such as "TERM" or a list such as ["INT:60s", "TERM:30s"])"},
      named("ladder", ladder));
  key.also({"timeout", Takes::next_use, "then SIGKILL to the whole tree"},
           By{read_stop_timeout, stop_timeout_text, "a duration, 0s to 1d"}, ladder);
  key({"scope", Takes::deploy, R"(or "main": the first process alone)"}, OneOf{kScopes}, scope);
  key({"leftover", Takes::next_use,
       R"(who outlives the first process is ended too; "leave": named in status)"},
      OneOf{kLeftovers}, leftover);
}

}  // namespace gracevisor::config
