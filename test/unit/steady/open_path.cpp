#include "unit/steady/open_path.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "proxy/access_outbox.h"
#include "support/counting.h"

namespace gracevisor::test {
namespace {

std::string chunked(const std::string& content) {
  std::string body;
  constexpr std::size_t kChunk = 256;  // 0x100
  for (std::size_t at = 0; at + kChunk <= content.size(); at += kChunk) {
    body += "100\r\n" + content.substr(at, kChunk) + "\r\n";
  }
  return body + "0\r\n\r\n";
}

}  // namespace

Exchange plain(const std::string& host) {
  return {.request = "GET /some/path?page=2 HTTP/1.1\r\nHost: " + host +
                     "\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
                     "Referer: https://example.com/\r\nX-Request-Id: 1234\r\n\r\n",
          .request_end = "\r\n\r\n",
          .response = ok("hello"),
          .response_end = "hello"};
}

Exchange upload(const std::string& method) {
  Exchange what = plain();
  what.request = method + " /things HTTP/1.1\r\nHost: example.com\r\nContent-Length: 4005\r\n\r\n" +
                 std::string(4000, 'x') + "<end>";
  what.request_end = "<end>";
  return what;
}

Exchange chunked_upload(const std::string& method, bool buffered) {
  Exchange what = plain();
  what.request = method + " /things HTTP/1.1\r\nHost: example.com\r\nTransfer-Encoding: chunked\r\n\r\n" +
                 chunked(std::string(4091, 'x') + "<end>");
  what.request_end = buffered ? "<end>" : "\r\n0\r\n\r\n";
  return what;
}

Exchange form(const std::string& method) {
  Exchange what = plain();
  what.request =
      method +
      " /login HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: 23\r\n\r\nuser=ada&password=<end>";
  what.request_end = "<end>";
  return what;
}

Exchange chunked_response() {
  Exchange what = plain();
  what.response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(std::string(4096, 'x'));
  what.response_end = "\r\n0\r\n\r\n";
  return what;
}

OpenPath::OpenPath(ProxyRig& rig, FakeApp& app, const Exchange& first)
    : rig_(rig), app_(app), client_(rig.connect()) {
  dialled_exchange(first);
}

void OpenPath::exchange(const Exchange& what) {
  REQUIRE(client_.send(what.request));
  finish(what);
}

void OpenPath::exchange_in_two(const Exchange& what) {
  const std::size_t head = what.request.find("\r\n\r\n") + 4;
  const std::size_t reads = system_calls().reads;
  REQUIRE(client_.send(std::string_view(what.request).substr(0, head)));
  REQUIRE(eventually([&] { return system_calls().reads > reads; }));
  REQUIRE(client_.send(std::string_view(what.request).substr(head)));
  finish(what);
}

void OpenPath::dialled_exchange(const Exchange& what) {
  REQUIRE(client_.send(what.request));
  finish_dialled(what);
}

void OpenPath::finish_dialled(const Exchange& what) {
  side_ = app_.accept();
  finish(what);
}

void OpenPath::finish(const Exchange& what) {
  REQUIRE(!side_.read_past(what.request_end).empty());
  REQUIRE(side_.send(what.response));
  REQUIRE(!client_.read_past(what.response_end).empty());
  take_access_lines(rig_);
}

void take_access_lines(ProxyRig& rig) {
  routing::AccessLane& lane = rig.port().access;
  while (auto batch = lane.filled.pop()) {
    lane.taken.add(batch->text.size());
    batch->text.clear();
    (void)lane.spent.push(std::move(*batch));
  }
}

void stock_access_lane(ProxyRig& rig) {
  for (std::size_t i = 0; i + 1 < routing::AccessLane::kSpent; ++i) {
    routing::AccessBatch spent;
    spent.to = *rig.web.access;
    spent.text.reserve(proxy::AccessOutbox::kBatch + proxy::kLongestAccessLine);
    REQUIRE(rig.port().access.spent.push(std::move(spent)));
  }
}

}  // namespace gracevisor::test
