// The request path allocates nothing once its strings and vectors have grown.
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "http/body.h"
#include "http/forward.h"
#include "http/head.h"

namespace {
std::size_t allocations = 0;  // of this program, which has one thread
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace gracevisor::http {

TEST_CASE("http: the second exchange of a kind allocates nothing") {
  const std::string request =
      "POST /api/v1/things?page=2&size=50 HTTP/1.1\r\nHost: a-rather-long-host-name.example.com\r\n"
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,application/json;q=0.9\r\n"
      "Accept-Encoding: gzip, deflate, br\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n"
      "Connection: keep-alive, X-A\r\nX-A: 1\r\nContent-Length: 5\r\n\r\n";
  const std::string response =
      "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nSet-Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n";
  HeadReader reader;
  RequestHead request_head;
  ResponseHead response_head;
  DateCache date;
  std::string to_app;
  std::string to_client;
  const auto exchange = [&] {
    const ResponseForward how{.client_minor = 1, .client_keep_alive = true, .date = date.text({})};
    to_app.clear();
    to_client.clear();
    const bool read =
        reader.read_request(request, {}, request_head).state == HeadState::complete &&
        reader.read_response(response, {}, Method::post, response_head).state == HeadState::complete;
    write_request_head(request_head, {.client = "10.0.0.9"}, to_app);
    write_response_head(response_head, plan_response(response_head, how), how, to_client);
    BodyReader body;
    body.start(response_head.body);
    const bool first = body.next("5\r\nhello\r\n0\r\n\r\n").payload == "hello";
    return read && first && body.next("\r\n0\r\n\r\n").consumed == 7 && body.finished();
  };
  REQUIRE(exchange());
  const std::size_t before = allocations;
  const bool again = exchange();
  const std::size_t after = allocations;
  CHECK(again);
  CHECK(after == before);
  CHECK(before > 0);
}

}  // namespace gracevisor::http
