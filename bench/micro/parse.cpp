// What it costs to read a head as the proxy does: found whole, checked, parsed, understood.
//
//   parse [--smoke]
#include "http/head.h"
#include "micro/measure.h"
#include "micro/messages.h"

namespace {

using namespace gracevisor;

bool read_whole(const http::HeadResult& result, std::string_view bytes) {
  return result.state == http::HeadState::complete && result.size == bytes.size();
}

}  // namespace

int main(int argc, char** argv) {
  bench::Bench bench("read a head", argc, argv);
  http::HeadReader reader;
  http::RequestHead request;
  http::ResponseHead response;
  auto read_request = [&](std::string_view bytes) {
    bench::keep(bytes);
    auto result = reader.read_request(bytes, {}, request);
    bench::keep(request);
    return read_whole(result, bytes) && request.method == http::Method::get && !request.host.empty();
  };
  bench.measure("request of wrk, 85 bytes", [&](std::size_t) { return read_request(bench::kWrkRequest); });
  bench.measure("request of a browser, 700 bytes",
                [&](std::size_t) { return read_request(bench::kBrowserRequest); });
  bench.measure("response, 170 bytes", [&](std::size_t) {
    std::string_view bytes = bench::kResponse;
    bench::keep(bytes);
    auto result = reader.read_response(bytes, {}, http::Method::get, response);
    bench::keep(response);
    return read_whole(result, bytes) && response.status == 200 && response.body.length == 100;
  });
  return bench.exit_code();
}
