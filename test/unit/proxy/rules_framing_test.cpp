// Rules 1 to 12 and 25 to 28: how a message's length is known, and that nobody is misled about it.
#include "unit/proxy/rules.h"

namespace gracevisor::test {
namespace {

using Family = CoreRig::Family;

const std::string kPostHead = "POST /p HTTP/1.1\r\nHost: h\r\n";
const std::string kChunkedPost = kPostHead + "Transfer-Encoding: chunked\r\n\r\n";
const std::string kChunkedAnswer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

TEST_CASE("rule 1: messages go out with a version of our own, whatever they came with") {
  CHECK(forwarded("GET /x HTTP/1.0\r\nHost: h\r\n\r\n").starts_with("GET /x HTTP/1.1\r\n"));
  CHECK(
      relayed(get("/"), "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(relayed("GET / HTTP/1.0\r\n\r\n", ok("x")).starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("rule 2: a request with a length beside a transfer coding is refused") {
  check_requests_refused(
      {{"length first", kPostHead + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX", 400,
        "two-lengths"},
       {"coding first", kPostHead + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX", 400,
        "two-lengths"},
       {"length zero", kPostHead + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400,
        "two-lengths"}});
}

TEST_CASE("rule 3: a request whose last transfer coding is not chunked is refused") {
  check_requests_refused(
      {{"chunked is not last", kPostHead + "Transfer-Encoding: chunked, gzip\r\n\r\n"},
       {"chunked is not there", kPostHead + "Transfer-Encoding: gzip\r\n\r\n"},
       {"identity", kPostHead + "Transfer-Encoding: identity\r\n\r\n"},
       {"empty", kPostHead + "Transfer-Encoding: \r\n\r\n0\r\n\r\n"},
       {"a comma in front", kPostHead + "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n"},
       {"chunked twice", kPostHead + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
       {"in two lines", kPostHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
       {"quoted", kPostHead + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
       {"with a tail", kPostHead + "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"}});
}

TEST_CASE("rule 4: a transfer coding below chunked that is not understood is 501") {
  check_requests_refused({{"gzip", kPostHead + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501}});
}

TEST_CASE("rule 5: a transfer coding on HTTP/1.0 is refused, in both directions") {
  check_requests_refused(
      {{"request", "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}});
  check_responses_refused({{"response", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}});
}

TEST_CASE("rule 6: a length that is none is refused, in both directions") {
  std::vector<Refused> requests;
  std::vector<Refused> responses;
  for (const char* value : {"5abc", "-1", "+1", "0x5", "1 2", "", "5;x", "\"5\"", "1.0", "\xd9\xa5"}) {
    const std::string line = std::string("Content-Length: ") + value + "\r\n\r\nhello";
    requests.push_back({value, kPostHead + line});
    responses.push_back({value, "HTTP/1.1 200 OK\r\n" + line});
  }
  responses.push_back(
      {"two that differ", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"});
  responses.push_back(
      {"beside a coding",
       "HTTP/1.1 200 OK\r\nContent-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"});
  responses.push_back({"a coding that is unknown", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"});
  check_requests_refused(requests);
  check_responses_refused(responses);
}

TEST_CASE("rule 7: a length that is said twice is refused, of a request even when both are equal") {
  check_requests_refused({{"a list", kPostHead + "Content-Length: 5, 5\r\n\r\nhello"},
                          {"two lines", kPostHead + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"}});
  const std::string start = "HTTP/1.1 200 OK\r\n";
  check_responses_refused(
      {{"a list", start + "Content-Length: 5, 6\r\n\r\nhello", 502, "two-lengths"},
       {"two lines", start + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 502, "two-lengths"},
       {"equal numbers", start + "Content-Length: 5\r\nContent-Length: 05\r\n\r\nhello", 502, "two-lengths"},
       {"beside chunked",
        start + "Content-Length: 5\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n", 502,
        "two-lengths"},
       {"beside another coding", start + "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\nhello", 502,
        "bad-transfer-encoding"}});
}

TEST_CASE(
    "rules 2 and 7: a response that says its length twice is repaired and counted and its connection ends") {
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
  for (const std::string& rest : {std::string("Content-Length: 5, 5\r\n\r\nhello"),
                                  std::string("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
                                  "Content-Length: 9\r\n" + chunked}) {
    CAPTURE(rest);
    RuleRig rig;
    RawEnd& client = rig.ask(get("/"));
    rig.answer("HTTP/1.1 200 OK\r\n" + rest);
    Wire wire = read_responses(client.received(), client.end());
    CHECK(wire.problem == "");
    REQUIRE(wire.messages.size() == 1);
    CHECK(wire.messages[0].whole);
    CHECK(wire.messages[0].content == "hello");
    CHECK(client.end() == End::open);
    CHECK(rig.app(0)->end() != End::open);
    CHECK(rig.counts().repaired.read() == 1);
    CHECK(rig.counts().failed.read() == 0);
    rig.ask(client, get("/next"));
    CHECK(rig.app_connections() == 2);
    rig.answer(ok("x"));
    CHECK(rig.counts().repaired.read() == 1);
  }
}

TEST_CASE("rules 2 and 7: what a repaired response has behind its end reaches nobody") {
  RuleRig rig;
  RawEnd& client = rig.ask(get("/"));
  rig.answer(
      "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
  CHECK(client.received().ends_with("\r\n\r\nok"));
  CHECK(rig.app(0)->end() != End::open);
}

TEST_CASE("rule 8: lengths beyond 64 bits do not overflow") {
  check_requests_refused({{"2^64", kPostHead + "Content-Length: 18446744073709551616\r\n\r\n"},
                          {"2^64 + 5", kPostHead + "Content-Length: 18446744073709551621\r\n\r\nhello"},
                          {"2^64 - 1", kPostHead + "Content-Length: 18446744073709551615\r\n\r\n", 413},
                          {"a chunk of 17 digits", kChunkedPost + "FFFFFFFFFFFFFFFF0\r\n"},
                          {"a chunk of 2^64 + 5", kChunkedPost + "10000000000000005\r\nhello\r\n0\r\n\r\n"},
                          {"a chunk of 2^64 - 1", kChunkedPost + "FFFFFFFFFFFFFFFF\r\n", 413}});
  // To a client the response has begun: it is cut, and nothing of it looks whole.
  End end = End::open;
  std::string seen = relayed(get("/"), kChunkedAnswer + "10000000000000005\r\nhello\r\n0\r\n\r\n", &end);
  CHECK(!read_responses(seen, end).messages.at(0).whole);
  CHECK(end == End::reset);
}

TEST_CASE("rule 9: a request that ends before its length breaks off the instance's connection") {
  RuleRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  RawEnd& client = rig.ask(kPostHead + "Content-Length: 50\r\n\r\nhello");
  CHECK(rig.forwarded().ends_with("\r\n\r\nhello"));
  client.finish_writing();
  rig.settle();
  CHECK(rig.app(0)->end() != End::open);
  CHECK(rig.leases() == 0);
  CHECK(client.received() == "");
  CHECK(client.end() == End::finished);
  CHECK(rig.counts().failed.read() == 0);
  // A chunked one alike.
  RawEnd& other = rig.ask(kChunkedPost + "5\r\nhello\r\n");
  other.finish_writing();
  rig.settle();
  CHECK(rig.app(1)->end() != End::open);
  CHECK(!rig.app(1)->received().ends_with("0\r\n\r\n"));
}

TEST_CASE("rule 10: what goes out has one framing") {
  WireMessage chunked = relayed_message(get("/"), kChunkedAnswer + "2\r\nok\r\n0\r\n\r\n");
  CHECK(chunked.field("Transfer-Encoding") == "chunked");
  CHECK(chunked.count("Content-Length") == 0);
  WireMessage counted = relayed_message(get("/"), ok("ok"));
  CHECK(counted.field("Content-Length") == "2");
  CHECK(counted.count("Transfer-Encoding") == 0);
  WireMessage request = forwarded_message(kChunkedPost + "2\r\nhi\r\n0\r\n\r\n");
  CHECK(request.field("Content-Length") == "2");
  CHECK(request.count("Transfer-Encoding") == 0);
  CHECK(request.content == "hi");
}

TEST_CASE("rule 11: a request with neither length nor coding has no body") {
  RuleRig rig;
  RawEnd& client = rig.ask("POST /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(rig.forwarded().starts_with("POST /1 "));
  CHECK(rig.forwarded().find("GET /2") == std::string::npos);
  rig.answer(ok("one"));
  rig.answer(ok("two"));
  CHECK(rig.forwarded().find("GET /2 HTTP/1.1\r\n") != std::string::npos);
  CHECK(read_responses(client.received(), client.end()).messages.size() == 2);
}

TEST_CASE("rule 12: an early answer closes the connection, and what still comes is discarded") {
  RuleRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  RawEnd& client = rig.ask(kPostHead + "Content-Length: 100000\r\n\r\nabc");
  rig.answer("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
  Wire wire = read_responses(client.received(), client.end());
  REQUIRE(wire.messages.size() == 1);
  CHECK(wire.messages[0].field("Connection") == "close");
  CHECK(wire.messages[0].content == "big");
  rig.ask(client, std::string(99997, 'x') + get("/2"));
  CHECK(client.end() == End::finished);
  CHECK(read_responses(client.received(), client.end()).messages.size() == 1);
  CHECK(rig.app_connections() == 1);
  CHECK(rig.forwarded().find("xxx") == std::string::npos);
}

TEST_CASE("rule 25: bytes behind a complete response never become another response") {
  for (const std::string& first :
       {ok("ok"), kChunkedAnswer + "2\r\nok\r\n0\r\n\r\n", std::string("HTTP/1.1 204 No Content\r\n\r\n")}) {
    RuleRig rig;
    RawEnd& client = rig.ask(get("/1") + get("/2"));
    rig.answer(first + ok("smuggled"));
    CHECK(client.received().find("smuggled") == std::string::npos);
    CHECK(rig.app(0)->end() != End::open);
    REQUIRE(rig.app_connections() == 2);
    rig.answer(ok("second"));
    CHECK(read_responses(client.received(), client.end()).messages.at(1).content == "second");
  }
}

TEST_CASE("rule 26: data on an idle connection is no response and closes it") {
  RuleRig rig;
  RawEnd& client = rig.ask(get("/1"));
  rig.answer(ok("one"));
  std::string before = client.received();
  rig.answer(0, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  CHECK(rig.app(0)->end() != End::open);
  CHECK(client.received() == before);
  CHECK(client.end() == End::open);
  rig.ask(client, get("/2"));
  REQUIRE(rig.app_connections() == 2);
  CHECK(rig.app(1)->received().starts_with("GET /2 "));
}

TEST_CASE("rule 27: chunk extensions are ignored, and limited") {
  WireMessage request = forwarded_message(kChunkedPost + "5;a=b;c=\"d e\"\r\nhello\r\n0;f\r\n\r\n");
  CHECK(request.content == "hello");
  CHECK(forwarded(kChunkedPost + "5;a=b\r\nhello\r\n0\r\n\r\n").find("a=b") == std::string::npos);
  CHECK(relayed_message(get("/"), kChunkedAnswer + "2;a=b\r\nok\r\n0;c\r\n\r\n").content == "ok");
  check_requests_refused(
      {{"64 kB", kChunkedPost + "5;a=" + std::string(65536, 'b') + "\r\nhello\r\n0\r\n\r\n"},
       {"300 bytes", kChunkedPost + "5;a=" + std::string(300, 'b') + "\r\nhello\r\n"}});
  std::string many = kChunkedPost;
  for (int i = 0; i < 100; ++i) many += "1;a=" + std::string(100, 'b') + "\r\nx\r\n";
  CHECK(read_requests(forwarded(many + "0\r\n\r\n")).messages.empty());
}

TEST_CASE("rule 28: chunks are read and written anew") {
  // A request that is read before an instance is chosen has a length by then.
  CHECK(forwarded(kChunkedPost + "0005\r\nhello\r\n000\r\n\r\n").ends_with("\r\n\r\nhello"));
  RuleRig rig;
  rig.options.request_buffer = 0;
  rig.publish();
  (void)rig.ask(kChunkedPost + "0005\r\nhello\r\n000\r\n\r\n");
  CHECK(rig.forwarded().ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
  CHECK(relayed(get("/"), kChunkedAnswer + "00A\r\n0123456789\r\n00\r\n\r\n")
            .ends_with("a\r\n0123456789\r\n0\r\n\r\n"));
}

}  // namespace
}  // namespace gracevisor::test
