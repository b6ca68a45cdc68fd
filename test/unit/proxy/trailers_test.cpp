// Trailer fields: those that are listed pass, to whom they may be sent, and none becomes a header field.
#include "passing.h"
#include "proxy/body_relay.h"

namespace gracevisor::test {
namespace {

constexpr http::Framing kChunkedFraming{http::Framing::Kind::chunked, 0};
const std::vector<std::string> kListed{"x-sum", "server-timing"};

// A chunked body with lines that pass and lines that do not, in between and at both ends.
const std::string kBody =
    "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
    "Host: evil\r\nX-SUM: 1\r\nContent-Length: 9\r\nX-Sum2: 2\r\nserver-timing:\t a;dur=1 \r\nX-Su: "
    "3\r\nx-sum: 4\r\n"
    "Authorization: x\r\n\r\n";
const std::string kKept = "X-SUM: 1\r\nserver-timing:\t a;dur=1 \r\nx-sum: 4\r\n";

// What the relay writes for pieces that arrive one after the other: content and trailer lines.
struct Relayed {
  std::string content;
  std::string trailer;
  bool finished = false;
  bool operator==(const Relayed&) const = default;
};

Relayed read_back(const std::string& written) {
  http::BodyReader reader;
  reader.start(kChunkedFraming);
  Relayed relayed;
  std::string_view rest = written;
  while (!rest.empty() && reader.state() == http::BodyReader::State::reading) {
    auto step = reader.next(rest);
    relayed.content += step.payload;
    relayed.trailer += step.trailer;
    rest.remove_prefix(step.consumed);
  }
  CHECK(rest.empty());
  relayed.finished = reader.finished();
  return relayed;
}

Relayed relay(const std::vector<std::string>& pieces, const std::vector<std::string>* listed = &kListed) {
  proxy::BodyRelay body;
  body.start(kChunkedFraming, kChunkedFraming, {}, listed);
  std::string written;
  for (const std::string& piece : pieces) {
    std::string_view rest = piece;
    while (!rest.empty() && body.reading()) {
      proxy::Pieces slices;
      rest.remove_prefix(body.next(rest, slices));
      for (auto slice : slices.slices()) written += slice;
    }
    CHECK(rest.empty());
  }
  CHECK(body.finished());
  return read_back(written);
}

TEST_CASE("trailers: the listed lines pass whole and in order, wherever the bytes are cut") {
  const Relayed expected{"abcde", kKept, true};
  CHECK(relay({kBody}) == expected);
  for (std::size_t cut = 1; cut < kBody.size(); ++cut) {
    CAPTURE(cut);
    CHECK(relay({kBody.substr(0, cut), kBody.substr(cut)}) == expected);
  }
  std::vector<std::string> bytes;
  for (char c : kBody) bytes.emplace_back(1, c);
  CHECK(relay(bytes) == expected);
}

TEST_CASE("trailers: none pass where none is listed, or none of those that came") {
  const std::vector<std::string> none;
  const std::vector<std::string> others{"x-other"};
  for (const auto* listed : {&none, &others, static_cast<const std::vector<std::string>*>(nullptr)}) {
    CHECK(relay({kBody}, listed) == Relayed{"abcde", "", true});
  }
}

TEST_CASE("trailers: a relay that is used again remembers nothing") {
  proxy::BodyRelay body;
  body.start(kChunkedFraming, kChunkedFraming, {}, &kListed);
  proxy::Pieces first;
  // Left in the middle of its trailer.
  CHECK(body.next("0\r\nX-Sum: old\r\n", first) == 15);
  body.start(kChunkedFraming, kChunkedFraming, {}, &kListed);
  proxy::Pieces second;
  CHECK(body.next("0\r\n\r\n", second) == 5);
  std::string written;
  for (auto slice : second.slices()) written += slice;
  CHECK(written == "0\r\n\r\n");
}

TEST_CASE("trailers: a body that is not chunked towards its receiver has none") {
  proxy::BodyRelay body;
  body.start(kChunkedFraming, {http::Framing::Kind::until_close, 0}, {}, &kListed);
  proxy::Pieces slices;
  CHECK(body.next("1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n", slices) == 21);
  std::string written;
  for (auto slice : slices.slices()) written += slice;
  CHECK(written == "a");
  CHECK(body.finished());
}

TEST_CASE("trailers: of a request the app gets those that are listed, and its header has none of them") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.trailers = kListed;
  rig.publish();
  for (bool byte_by_byte : {false, true}) {
    Peer client = rig.connect();
    const std::string request =
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + kBody;
    if (byte_by_byte) {
      for (char c : request) REQUIRE(client.send({&c, 1}));
    } else {
      REQUIRE(client.send(request));
    }
    Peer side = app.accept();
    std::string head = side.read_past("\r\n\r\n");
    CHECK(value_of(head, "X-Sum") == "(none)");
    CHECK(value_of(head, "Host") == "h");
    CHECK(value_of(head, "Authorization") == "(none)");
    CHECK(read_back(side.read_past("\r\n\r\n")) == Relayed{"abcde", kKept, true});
    REQUIRE(side.send(ok("ok", "Connection: close\r\n")));
    CHECK(client.read_message().ends_with("ok"));
  }
}

TEST_CASE("trailers: of a response a client gets those that are listed, if it said that it takes trailers") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.trailers = kListed;
  rig.publish();
  struct Row {
    const char* fields;
    const char* asks;  // what the app sees of TE
    bool gets;
  };
  for (Row row : {Row{"TE: trailers\r\n", "trailers", true},
                  Row{"TE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n", "trailers", true},
                  Row{"TE: gzip\r\n", "(none)", false}, Row{"", "(none)", false}}) {
    CAPTURE(row.fields);
    Peer client = rig.connect();
    REQUIRE(client.send(get("/", row.fields)));
    Peer side = app.accept();
    CHECK(value_of(side.read_past("\r\n\r\n"), "TE") == row.asks);
    REQUIRE(side.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
    std::string head = client.read_past("\r\n\r\n");
    REQUIRE(side.send(kBody));
    CHECK(read_back(client.read_past("\r\n\r\n")) == Relayed{"abcde", row.gets ? kKept : "", true});
    CHECK(value_of(head, "X-Sum") == "(none)");
    // The connection is in order: the next request is served.
    REQUIRE(client.send(get("/next")));
    side = app.accept();
    CHECK(side.read_past("\r\n\r\n").starts_with("GET /next "));
    REQUIRE(side.send(ok("next", "Connection: close\r\n")));
    CHECK(client.read_message().ends_with("next"));
  }
}

TEST_CASE("trailers: a client of HTTP/1.0 gets none") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.trailers = kListed;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("GET / HTTP/1.0\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n"));
  Peer side = app.accept();
  CHECK(value_of(side.read_past("\r\n\r\n"), "TE") == "(none)");
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + kBody));
  CHECK(body_of(client.read_to_end()) == "abcde");
}

TEST_CASE("trailers: without a list none pass, in both directions") {
  FakeApp app;
  ProxyRig rig({app.endpoint()});
  rig.options.request_buffer = 0;
  rig.publish();
  Peer client = rig.connect();
  REQUIRE(client.send("POST / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      kBody));
  Peer side = app.accept();
  REQUIRE(!side.read_past("\r\n\r\n").empty());
  CHECK(side.read_past("\r\n\r\n") == "5\r\nabcde\r\n0\r\n\r\n");
  REQUIRE(side.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + kBody));
  REQUIRE(!client.read_past("\r\n\r\n").empty());
  CHECK(client.read_past("\r\n\r\n") == "5\r\nabcde\r\n0\r\n\r\n");
}

}  // namespace
}  // namespace gracevisor::test
