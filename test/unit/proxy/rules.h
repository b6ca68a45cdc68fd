// What the tests of the rules share. The rules are numbered as in the design's page on the data path; each
// test plays bytes through the data path and looks at both sides. Thread: the test's.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support/core_rig.h"
#include "support/proxy_rig.h"
#include "support/wire.h"

namespace gracevisor::test {

// A rig that must come to a clean end.
class RuleRig : public CoreRig {
 public:
  using CoreRig::CoreRig;
  ~RuleRig() { CHECK(finish() == ""); }
  RuleRig(const RuleRig&) = delete;
  RuleRig& operator=(const RuleRig&) = delete;

  // Sends on a new client, or on one that is there already.
  RawEnd& ask(std::string_view bytes);
  void ask(RawEnd& client, std::string_view bytes);
  // Sends from an instance's connection, the last one or that one; fails the test when there is none.
  void answer(std::string_view bytes);
  void answer(std::size_t connection, std::string_view bytes);
  // The instance ends its side of it.
  void finish_app(std::size_t connection = 0);
  // What an instance got on all its connections.
  [[nodiscard]] std::string forwarded();
};

// What an instance gets of a request, byte for byte; "" when it gets nothing.
[[nodiscard]] std::string forwarded(std::string_view request);
// The same as a message, which must be one and whole.
[[nodiscard]] WireMessage forwarded_message(std::string_view request);
// What a client gets of a response, when it sent `request`; with `end`, how its connection ended.
[[nodiscard]] std::string relayed(std::string_view request, std::string_view response, End* end = nullptr);
[[nodiscard]] WireMessage relayed_message(std::string_view request, std::string_view response);

// Of a message that is not let through.
struct Refused {
  std::string why;
  std::string bytes;
  int status = 400;
  const char* token = "";  // "": any
};
// Each is answered so, with Connection: close and then the end; nothing of it reaches an instance, and
// nothing that follows it is served.
void check_requests_refused(const std::vector<Refused>& table);
// Each response makes a 502 of the answer, which has the token of the rule, unseen by the client, and closes
// the instance's connection; the same rule goes up for the daemon's log.
void check_responses_refused(const std::vector<Refused>& table);

// A message's field lines with `name`, in order.
[[nodiscard]] std::vector<std::string> lines_of(const WireMessage& message, std::string_view name);

}  // namespace gracevisor::test
