// The exchanges themselves.
#include "support/proxy_rig.h"
#include "unit/exchanges/exchanges.h"

namespace gracevisor::test {
namespace {

Step client(std::string bytes, Step::Then then = Step::Then::go_on) {
  return {Step::Who::client, std::move(bytes), then, 0};
}
Step app(std::string bytes, Step::Then then = Step::Then::go_on, std::size_t connection = 0) {
  return {Step::Who::app, std::move(bytes), then, connection};
}

constexpr auto kFinish = Step::Then::finish;
constexpr auto kReset = Step::Then::reset;

const std::string kPost = "POST /p HTTP/1.1\r\nHost: h\r\n";
const std::string kChunkedPost = kPost + "Transfer-Encoding: chunked\r\n\r\n";
const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string post(const std::string& body, const std::string& fields = "") {
  return kPost + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::vector<Script> requests() {
  return {
      {"GET", {client(get("/a?b=%20c", "X-A: 1\r\n")), app(ok("hello", "X-B: 2\r\n"))}},
      {"HEAD",
       {client("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), app("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")}},
      {"POST with a length", {client(post("some body")), app(ok("done"))}},
      {"POST of nothing", {client(post("")), app(ok("done"))}},
      {"POST in chunks", {client(kChunkedPost + "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), app(ok("done"))}},
      {"chunk extensions",
       {client(kChunkedPost + "005;a=\"b c\";d\r\nhello\r\n0;e\r\n\r\n"), app(ok("done"))}},
      {"trailers of a request",
       {client(kChunkedPost + "2\r\nhi\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n"), app(ok(""))}},
      {"an empty line in front", {client("\r\n" + get("/")), app(ok("x"))}},
      {"absolute-form", {client("GET http://h/x?y HTTP/1.1\r\nHost: h\r\n\r\n"), app(ok("x"))}},
      {"two pipelined", {client(get("/1") + get("/2")), app(ok("one")), app(ok("two"))}},
      {"a body and what is pipelined behind it",
       {client("PUT /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + get("/2")), app(ok("one")),
        app(ok("two"))}},
      {"chunks and what is pipelined behind them",
       {client("PUT /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
               get("/2")),
        app(ok("one")), app(ok("two"))}},
      {"Connection: close, and bytes behind it",
       {client(get("/", "Connection: close\r\n") + get("/2")), app(ok("x"))}},
      {"a client that finishes sending", {client(get("/"), kFinish), app(ok("x"))}},
      {"HTTP/1.0", {client("GET / HTTP/1.0\r\n\r\n"), app(ok("x"))}},
      {"HTTP/1.0 with keep-alive",
       {client("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"), app(ok("x")),
        client("GET /2 HTTP/1.0\r\n\r\n"), app(ok("y"))}},
      {"Expect: 100-continue",
       {client(kPost + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
        app("HTTP/1.1 100 Continue\r\n\r\n"), client("body"), app(ok("done"))}},
      {"Expect: 100-continue, refused",
       {client(kPost + "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"),
        app("HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno")}},
      {"an early answer",
       {client(kPost + "Content-Length: 9\r\n\r\nabc"),
        app("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"), client("def"), client("ghi")}},
  };
}

std::vector<Script> refused() {
  return {
      {"no Host", {client("GET / HTTP/1.1\r\nX: y\r\n\r\n")}},
      {"two lengths", {client(kPost + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx")}},
      {"a length and a coding",
       {client(kPost + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")}},
      {"a bare line feed", {client("GET / HTTP/1.1\nHost: h\n\n")}},
      {"an unknown version", {client("GET / HTTP/2.0\r\nHost: h\r\n\r\n")}},
      {"TLS", {client(std::string("\x16\x03\x01\x02\x00\x01", 6))}},
      {"a second request that is malformed", {client(get("/1") + "GET /2\r\n\r\n"), app(ok("one"))}},
      {"a chunk's size that is none", {client(kChunkedPost + "3\r\nabc\r\nx\r\n")}},
      {"a chunk that is too long for its size", {client(kChunkedPost + "3\r\nabcX\r\n0\r\n\r\n")}},
      {"a chunk line that ends with a line feed", {client(kChunkedPost + "3\nabc\r\n0\r\n\r\n")}},
      {"a body that is cut short", {client(kPost + "Content-Length: 9\r\n\r\nabc", kFinish)}},
  };
}

std::vector<Script> responses() {
  return {
      {"103 and 200", {client(get("/")), app("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("x"))}},
      {"103 to HTTP/1.0",
       {client("GET / HTTP/1.0\r\n\r\n"), app("HTTP/1.1 103 Early Hints\r\n\r\n" + ok("x"))}},
      {"chunks",
       {client(get("/")), app(kChunked + "5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n")}},
      {"chunks to HTTP/1.0", {client("GET / HTTP/1.0\r\n\r\n"), app(kChunked + "5\r\nhello\r\n0\r\n\r\n")}},
      {"until the end", {client(get("/")), app("HTTP/1.1 200 OK\r\nX: 1\r\n\r\nhello", kFinish)}},
      {"until the end, to HTTP/1.0",
       {client("GET / HTTP/1.0\r\n\r\n"), app("HTTP/1.0 200 OK\r\n\r\nhello", kFinish)}},
      {"204", {client(get("/")), app("HTTP/1.1 204 No Content\r\n\r\n"), client(get("/2")), app(ok("x"))}},
      {"304", {client(get("/")), app("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")}},
      {"bytes behind the response", {client(get("/")), app(ok("x") + ok("never seen"))}},
      {"a length that is not reached",
       {client(get("/")), app("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", kFinish)}},
      {"chunks that are cut", {client(get("/")), app(kChunked + "5\r\nhello\r\n5\r\nwor", kFinish)}},
      {"chunks without the last one", {client(get("/")), app(kChunked + "5\r\nhello\r\n", kFinish)}},
      {"chunks that are cut, to HTTP/1.0",
       {client("GET / HTTP/1.0\r\n\r\n"), app(kChunked + "5\r\nhello\r\n", kFinish)}},
      {"a reset instead of the end", {client(get("/")), app("HTTP/1.1 200 OK\r\n\r\nhello", kReset)}},
      {"a head that is cut", {client(post("x")), app("HTTP/1.1 200 OK\r\nContent-Le", kFinish)}},
      {"no response to a GET", {client(get("/")), app("", kFinish), app("", kFinish, 1)}},
      {"no response to a POST", {client(post("x")), app("", kFinish)}},
      {"a second try that succeeds",
       {client(get("/")), app("", kReset), app(ok("second"), Step::Then::go_on, 1)}},
      {"a response of nonsense", {client(get("/")), app("SSH-2.0-OpenSSH\r\n\r\n")}},
      {"a folded field in a response", {client(get("/")), app("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n")}},
      {"a response with two lengths",
       {client(get("/")), app("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab")}},
      {"a response whose chunks are malformed", {client(get("/")), app(kChunked + "2\r\nab\r\nzz\r\n")}},
      {"a 101 that nobody asked for",
       {client(get("/")), app("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")}},
  };
}

}  // namespace

std::vector<Script> all_scripts() {
  std::vector<Script> all = requests();
  for (auto& more : {refused(), responses()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace gracevisor::test
