// Rules 13 to 24: lines, and what may stand in them.
#include "unit/proxy/rules.h"

namespace gracevisor::test {
namespace {

// A request with these bytes among its fields.
std::string with(const std::string& lines) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}

TEST_CASE("rule 13: one empty line before a request is ignored, more or a line feed alone is refused") {
  CHECK(forwarded("\r\n" + get("/x")).starts_with("GET /x HTTP/1.1\r\n"));
  // Between two requests as well: old clients send one behind a body.
  RuleRig rig;
  RawEnd& client = rig.ask("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx\r\n" + get("/2"));
  rig.answer(ok("one"));
  rig.answer(ok("two"));
  CHECK(read_responses(client.received(), client.end()).messages.size() == 2);
  check_requests_refused({{"two empty lines", "\r\n\r\n" + get("/")},
                          {"a line feed", "\n" + get("/")},
                          {"a carriage return", "\r" + get("/")}});
}

TEST_CASE("rule 14: a carriage return alone is refused, wherever it stands") {
  check_requests_refused({{"in a value", with("X: a\rb\r\n")},
                          {"at a value's begin", with("X:\r b\r\n")},
                          {"in a name", with("X\rY: b\r\n")},
                          {"instead of a line end", with("X: a\rY: b\r\n")},
                          {"in the target", "GET /a\rb HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"before the line end", with("X: a\r\r\n")}});
  check_responses_refused(
      {{"in a value", "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n", 502, "control-byte"},
       {"in the reason", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"}});
}

TEST_CASE("rule 15: a line feed alone ends no line") {
  check_requests_refused(
      {{"the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n"},
       {"a field", "GET / HTTP/1.1\r\nHost: h\n\r\n"},
       {"the empty line", "GET / HTTP/1.1\r\nHost: h\r\n\n"},
       {"a chunk line", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n"},
       {"behind a chunk", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\n"},
       {"the last line", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n"}});
  check_responses_refused({{"the status line", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", 502, "bare-lf"},
                           {"a field", "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n"},
                           {"the empty line", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n"}});
}

TEST_CASE("rule 16: white space between the start line and the fields is refused") {
  check_requests_refused({{"space", "GET / HTTP/1.1\r\n X: y\r\nHost: h\r\n\r\n"},
                          {"tab", "GET / HTTP/1.1\r\n\tX: y\r\nHost: h\r\n\r\n"}});
  check_responses_refused({{"space", "HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 0\r\n\r\n"}});
}

TEST_CASE("rule 17: garbage instead of a request is refused, TLS with a word of its own") {
  check_requests_refused({{"a ClientHello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
                           400, "tls-on-plain-port"},
                          {"zeros", std::string(16, '\0')},
                          {"SSH", "SSH-2.0-OpenSSH_9.2\r\n"},
                          {"a response", "HTTP/1.1 200 OK\r\n\r\n"}});
}

TEST_CASE("rule 18: a request line that does not match the grammar is not corrected") {
  check_requests_refused({{"a space in the target", "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"a tab", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"a space behind", "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"},
                          {"two spaces before the version", "GET /  HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"no version", "GET /\r\nHost: h\r\n\r\n"},
                          {"no target", "GET HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"no slash", "GET x HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"a fragment", "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"a quote in an authority", "GET http://\"/ HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"DEL", "GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"a control character", "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n"},
                          {"another protocol", "GET / HTTQ/1.1\r\nHost: h\r\n\r\n"}});
}

TEST_CASE("rule 18: targets that clients send pass as they are, and are refused where they must be strict") {
  for (const char* target :
       {"/a^b", "/?q=\"x\"", "/?q=a<b>", "/\xc3\xa4", "/a\\b", "/{a}|`", "/\xff\x80?\xfe"}) {
    CAPTURE(std::string(target));
    const std::string request = get(target);
    CHECK(forwarded(request).starts_with("GET " + std::string(target) + " HTTP/1.1\r\n"));
    RuleRig rig;
    rig.listener.targets = config::Listener::Targets::strict;
    rig.publish();
    Wire wire = read_responses(rig.ask(request).received(), End::finished);
    REQUIRE(wire.messages.size() == 1);
    CHECK(wire.messages[0].token() == "bad-target");
    CHECK(wire.messages[0].content.find("byte 0x") != std::string::npos);
    CHECK(rig.app_connections() == 0);
  }
}

TEST_CASE("rule 18: the answer to a target that is refused names the byte") {
  for (const auto& [bytes, said] :
       {std::pair{"/#a", "0x23 (#)"}, {"/a\x01", "0x01."}, {"/a\x7f", "0x7f."}, {"/a b", "0x20."}}) {
    RuleRig rig;
    Wire wire = read_responses(rig.ask(get(bytes)).received(), End::finished);
    REQUIRE(wire.messages.size() == 1);
    CHECK(wire.messages[0].content.find(said) != std::string::npos);
  }
}

TEST_CASE("rule 19: methods that nobody knows pass with their bodies and are never sent twice") {
  for (const char* method :
       {"QUERY", "LIST", "VERSION-CONTROL", "BAN", "get", "DESCRIBE", "SOURCE", "!#$%&'*+-.^_`|~"}) {
    CAPTURE(std::string(method));
    const std::string line = std::string(method) + " /x HTTP/1.1\r\n";
    CHECK(forwarded(line + "Host: h\r\n\r\n").starts_with(line));
    const std::string seen = forwarded(line + "Host: h\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(seen.starts_with(line));
    CHECK(seen.ends_with("\r\n\r\nhello"));

    // A connection that was kept is not used again, and one that ends is the end of it.
    RuleRig rig;
    RawEnd& client = rig.ask(get("/"));
    rig.answer(ok("x"));
    (void)client.take();
    rig.ask(client, line + "Host: h\r\n\r\n");
    REQUIRE(rig.app_connections() == 2);
    rig.finish_app(1);
    CHECK(client.take().starts_with("HTTP/1.1 502 "));
    CHECK(rig.app_connections() == 2);
  }
}

TEST_CASE("rule 19: a method of more than 32 bytes is 501, a target that is too long 414") {
  check_requests_refused(
      {{"33 bytes", std::string(33, 'A') + " / HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method-too-long"},
       {"HTTP/2's", "PRI / HTTP/1.1\r\nHost: h\r\n\r\n", 501, "unknown-method"},
       {"10 kB", std::string(10240, 'A') + " / HTTP/1.1\r\nHost: h\r\n\r\n", 501, "method-too-long"},
       {"a target of 64 kB", "GET /" + std::string(65536, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414,
        "target-too-long"}});
}

TEST_CASE("rule 20: other versions than 1.0 and 1.1 are 505") {
  std::vector<Refused> table;
  for (const char* version : {"2.0", "9.9", "0.9", "1.2", "3", "11.1", "1.10"}) {
    table.push_back({version, std::string("GET / HTTP/") + version + "\r\nHost: h\r\n\r\n", 505});
  }
  table.push_back({"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505});
  check_requests_refused(table);
  check_responses_refused({{"2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
                           {"1.2", "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n"}});
}

TEST_CASE("rule 21: a folded field in a request is refused") {
  check_requests_refused(
      {{"space", with("X: a\r\n b\r\n"), 400, "folded-field"},
       {"tab", with("X: a\r\n\tb\r\n"), 400, "folded-field"},
       {"Host", "GET / HTTP/1.1\r\nHost:\r\n h\r\n\r\n", 400, "folded-field"},
       {"a coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400,
        "folded-field"}});
}

TEST_CASE("rule 22: a folded field in a response makes it a 502") {
  check_responses_refused({{"space", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"},
                           {"tab", "HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\nContent-Length: 0\r\n\r\n"}});
}

TEST_CASE("rule 23: white space before a colon is refused, in both directions") {
  check_requests_refused(
      {{"space", with("X : a\r\n"), 400, "space-before-colon"},
       {"tab", with("X\t: a\r\n"), 400, "space-before-colon"},
       {"of a coding", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"}});
  check_responses_refused({{"space", "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n"}});
}

TEST_CASE("rule 24: NUL and other control characters in a value are refused, in both directions") {
  std::vector<Refused> requests;
  std::vector<Refused> responses;
  for (char c : {'\0', '\x01', '\x08', '\x0b', '\x1f', '\x7f'}) {
    const std::string line = std::string("X: a") + c + "b\r\n";
    requests.push_back({"value", with(line)});
    responses.push_back({"value", "HTTP/1.1 200 OK\r\n" + line + "Content-Length: 0\r\n\r\n"});
  }
  requests.push_back({"name", with(std::string("X\0Y: a\r\n", 8))});
  requests.push_back({"no name", with(": a\r\n")});
  requests.push_back({"no colon", with("X\r\n")});
  responses.push_back({"no colon", "HTTP/1.1 200 OK\r\nX\r\nContent-Length: 0\r\n\r\n"});
  check_requests_refused(requests);
  check_responses_refused(responses);
  CHECK(forwarded(with("X: a\tb \xe4\r\n")).find("X: a\tb \xe4\r\n") != std::string::npos);
}

TEST_CASE("limits: as many and as large fields as are served, and no more") {
  std::string many;
  for (int i = 0; i < 100; ++i) many += "X: 1\r\n";  // with Host one too many
  check_requests_refused(
      {{"fields", with(many), 431, "too-many-fields"},
       {"one field", with("X: " + std::string(16384, 'a') + "\r\n"), 431, "field-too-large"},
       {"together",
        with("A: " + std::string(12000, 'a') + "\r\nB: " + std::string(12000, 'a') +
             "\r\nC: " + std::string(12000, 'a') + "\r\n"),
        431, "head-too-large"}});
  CHECK(forwarded(with(many.substr(6))) != "");
}

}  // namespace
}  // namespace gracevisor::test
