// [app.NAME.restart]. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "config/codecs.h"
#include "config/config.h"
#include "config/key.h"

namespace gracevisor::config {

inline constexpr Duration kTicks{{Millis(10), kDay}};
inline constexpr Duration kTicksOrNone{{Millis(0), kDay}};
inline constexpr Choice<Restart::Policy> kPolicies[] = {{"always", Restart::Policy::always},
                                                        {"on-failure", Restart::Policy::on_failure},
                                                        {"on-abnormal", Restart::Policy::on_abnormal},
                                                        {"never", Restart::Policy::never}};

// Each once, in their order: [0, 3]. None at all is allowed: then no exit is a success.
void read_exit_codes(Reading& reading, const Item& item, std::vector<int>& codes);
[[nodiscard]] std::string exit_codes_text(const std::vector<int>& codes);

void keys(auto& key, IsA<Restart> auto& value) {
  auto& [policy, success_exit_codes, backoff, backoff_max, stable_after, max_failures, retry_fatal] = value;
  key({"policy", Takes::next_use,
       R"("on-failure": unless the exit was a success; "on-abnormal": unless it exited by itself)"},
      OneOf{kPolicies}, policy);
  key({"success_exit_codes", Takes::next_use, "what counts as success, beside HUP, INT, TERM and PIPE"},
      By{read_exit_codes, exit_codes_text, "exit codes such as [0, 3]"}, success_exit_codes);
  key({"backoff", Takes::next_use,
       "the first pause; doubles, with jitter, up to backoff_max; starts over after stable_after"},
      kTicks, backoff);
  key({"backoff_max", Takes::next_use, "the longest pause"}, kTicks, backoff_max);
  key({"stable_after", Takes::next_use, "an instance that has run this long did not fail to start"},
      kTicksOrNone, stable_after);
  key({"max_failures", Takes::next_use, "0: retry for ever; n: give up after n failures in a row"},
      Number{{0, 1'000'000}}, max_failures);
  key({"retry_fatal", Takes::next_use, "given up, it is tried again after this long; 0: never"}, kTicksOrNone,
      retry_fatal);
}

}  // namespace gracevisor::config
