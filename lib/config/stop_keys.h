// [app.NAME.stop]. Thread: any.
#pragma once

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"

namespace gracevisor::config {

using Ladder = std::vector<StopStep>;

// A signal without a time of its own waits for `timeout`. Reading the table fills in these times, so that
// every step of a ladder that was read has a time.
struct StopTable {
  static void read(Reading& reading, const Item& item, Stop& out);
  [[nodiscard]] static bool has_meaning(const Stop& /*stop*/) { return true; }
};

// The signals of the ladder. How long each may take is the next row's, although a list of signals states the
// times: a running instance need not be started anew for them.
struct StopSignals {
  static void read(Reading& reading, const Item& item, Ladder& ladder);
  [[nodiscard]] static std::string text(const Ladder& ladder);
  [[nodiscard]] static std::string kind() {
    return R"(a signal such as "TERM" or a list such as ["INT:60s", "TERM:30s"])";
  }
  [[nodiscard]] static bool same(const Ladder& one, const Ladder& other);
};

inline constexpr Duration kStopWait{{Millis(0), kDay}};
struct StopTimeout {
  static void read(Reading& reading, const Item& item, Ladder& ladder);
  // Empty if there are several signals: each of them is written with its own time.
  [[nodiscard]] static std::string text(const Ladder& ladder);
  [[nodiscard]] static std::string kind() { return kStopWait.kind(); }
  // Of ladders with different signals the times are not compared.
  [[nodiscard]] static bool same(const Ladder& one, const Ladder& other);
  static void take(Ladder& ladder, const Ladder& from);
};
inline constexpr Choice<Stop::Scope> kScopes[] = {{"group", Stop::Scope::group}, {"main", Stop::Scope::main}};
inline constexpr Choice<Stop::Leftover> kLeftovers[] = {{"kill", Stop::Leftover::kill},
                                                        {"leave", Stop::Leftover::leave}};

void keys(auto& key, IsA<Stop> auto& value) {
  auto& [ladder, scope, leftover] = value;
  key({"signal", Takes::deploy}, StopSignals{}, named("ladder", ladder));
  key.also({"timeout", Takes::next_use, "then SIGKILL for the whole tree"}, StopTimeout{}, ladder);
  key({"scope", Takes::deploy, R"("main": the first process alone)"}, OneOf{kScopes}, scope);
  key({"leftover", Takes::next_use,
       R"(what outlives the first process: "kill" ends it, "leave" names it in status)"},
      OneOf{kLeftovers}, leftover);
}

}  // namespace gracevisor::config
