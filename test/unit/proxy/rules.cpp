#include "unit/proxy/rules.h"

namespace gracevisor::test {

RawEnd& RuleRig::ask(std::string_view bytes) {
  RawEnd& client = connect();
  ask(client, bytes);
  return client;
}

void RuleRig::ask(RawEnd& client, std::string_view bytes) {
  client.send(bytes);
  settle();
}

void RuleRig::answer(std::string_view bytes) {
  REQUIRE(app_connections() > 0);
  answer(app_connections() - 1, bytes);
}

void RuleRig::answer(std::size_t connection, std::string_view bytes) {
  REQUIRE(app(connection) != nullptr);
  app(connection)->send(bytes);
  settle();
}

void RuleRig::finish_app(std::size_t connection) {
  REQUIRE(app(connection) != nullptr);
  app(connection)->finish_writing();
  settle();
}

std::string RuleRig::forwarded() {
  std::string all;
  for (std::size_t i = 0; i < app_connections(); ++i) all += app(i)->received();
  return all;
}

std::string forwarded(std::string_view request) {
  RuleRig rig;
  rig.ask(request);
  return rig.forwarded();
}

WireMessage forwarded_message(std::string_view request) {
  Wire wire = read_requests(forwarded(request));
  CHECK(wire.problem == "");
  CHECK(wire.rest == "");
  REQUIRE(wire.messages.size() == 1);
  CHECK(wire.messages[0].whole);
  return wire.messages[0];
}

std::string relayed(std::string_view request, std::string_view response, End* end) {
  RuleRig rig;
  RawEnd& client = rig.ask(request);
  rig.answer(response);
  if (end != nullptr) *end = client.end();
  return client.received();
}

WireMessage relayed_message(std::string_view request, std::string_view response) {
  End end = End::open;
  std::string bytes = relayed(request, response, &end);
  Wire wire = read_responses(bytes, end, {request.starts_with("HEAD ")});
  CHECK(wire.problem == "");
  REQUIRE(wire.messages.size() == 1);
  return wire.messages[0];
}

void check_requests_refused(const std::vector<Refused>& table) {
  for (const Refused& row : table) {
    CAPTURE(row.why);
    RuleRig rig;
    RawEnd& client = rig.ask(row.bytes);
    rig.ask(client, get("/behind"));
    CHECK(client.end() == End::finished);
    Wire wire = read_responses(client.received(), client.end());
    CHECK(wire.problem == "");
    CHECK(wire.rest == "");
    REQUIRE(wire.messages.size() == 1);
    const WireMessage& answer = wire.messages[0];
    CHECK(answer.status() == row.status);
    CHECK(answer.token() != "");
    if (*row.token != '\0') CHECK(answer.token() == row.token);
    CHECK(answer.field("Connection") == "close");
    CHECK(rig.app_connections() == 0);
    CHECK(rig.counts().failed.read() == 0);
  }
}

void check_responses_refused(const std::vector<Refused>& table) {
  for (const Refused& row : table) {
    CAPTURE(row.why);
    RuleRig rig;
    RawEnd& client = rig.ask(get("/"));
    rig.answer(row.bytes);
    CHECK(client.end() == End::open);
    Wire wire = read_responses(client.received(), client.end());
    REQUIRE(wire.messages.size() == 1);
    CHECK(wire.messages[0].status() == 502);
    const std::string token = wire.messages[0].token();
    CHECK(token != "");
    if (*row.token != '\0') CHECK(token == row.token);
    auto told = rig.web.ledger->last_failure.take();
    REQUIRE(told != nullptr);
    CHECK(http::text_of(told->reason).token == token);
    CHECK(told->generation != base::GenerationId());
    CHECK(wire.rest == "");
    CHECK(rig.app(0)->end() != End::open);
    CHECK(rig.leases() == 0);
    CHECK(rig.counts().failed.read() == 1);

    rig.ask(client, get("/next"));
    CHECK(rig.app_connections() == 2);
  }
}

std::vector<std::string> lines_of(const WireMessage& message, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [n, value] : message.fields) {
    WireMessage one;
    one.fields.emplace_back(n, value);
    if (one.count(name) == 1) values.push_back(value);
  }
  return values;
}

}  // namespace gracevisor::test
