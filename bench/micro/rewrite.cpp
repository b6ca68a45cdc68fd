// What it costs to write a forwarded head from one that was read, as an exchange does it: with forwarding
// fields, a new request id and Via towards the app; planned, and with Date where that is missing, towards the
// client.
//
//   rewrite [--smoke]
#include <chrono>
#include <string>

#include "http/forward.h"
#include "micro/measure.h"
#include "micro/messages.h"
#include "proxy/request_ids.h"

namespace {

using namespace gracevisor;

void measure_request(bench::Bench& bench, std::string_view name, std::string_view bytes) {
  http::HeadReader reader;
  http::RequestHead head;
  bool read = reader.read_request(bytes, {}, head).state == http::HeadState::complete;
  proxy::RequestIds ids;
  std::string out;
  bench.measure(name, [&](std::size_t) {
    out.clear();
    bench::keep(head);
    http::write_request_head(head, {.client = "192.0.2.17", .request_id = ids.next()}, out);
    bench::keep(out);
    return read && out.size() > bytes.size() && out.ends_with("\r\n\r\n");
  });
  // What was written is a head that says so of where it came from.
  http::RequestHead again;
  read = reader.read_request(out, {}, again).state == http::HeadState::complete &&
         out.find("X-Forwarded-For: 192.0.2.17\r\n") != std::string::npos && again.request_id.size() == 32;
  bench.check("the forwarded request", read);
}

void measure_response(bench::Bench& bench) {
  http::HeadReader reader;
  http::ResponseHead head;
  bool read =
      reader.read_response(bench::kResponse, {}, http::Method::get, head).state == http::HeadState::complete;
  http::DateCache date;
  std::string out;
  bench.measure("response, 170 bytes", [&](std::size_t) {
    out.clear();
    bench::keep(head);
    const http::ResponseForward how{.date = date.text(std::chrono::system_clock::now())};
    http::write_response_head(head, http::plan_response(head, how), how, out);
    bench::keep(out);
    return read && out.starts_with("HTTP/1.1 200 OK\r\n") && out.ends_with("\r\n\r\n");
  });
  http::ResponseHead again;
  read = reader.read_response(out, {}, http::Method::get, again).state == http::HeadState::complete &&
         again.body.length == 100;
  bench.check("the forwarded response", read);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Bench bench("write a forwarded head", argc, argv);
  measure_request(bench, "request of wrk, 85 bytes", bench::kWrkRequest);
  measure_request(bench, "request of a browser, 700 bytes", bench::kBrowserRequest);
  measure_response(bench);
  return bench.exit_code();
}
