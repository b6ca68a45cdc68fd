// The heads that the micro-benchmarks work on: what a load generator sends, what a browser sends, and what a
// small app answers.
#pragma once

#include <string_view>

namespace gracevisor::bench {

inline constexpr std::string_view kWrkRequest =
    "GET /some/path HTTP/1.1\r\n"
    "Host: 127.0.0.1:8080\r\n"
    "User-Agent: wrk/4.1.0\r\n"
    "Accept: */*\r\n\r\n";

inline constexpr std::string_view kBrowserRequest =
    "GET /catalogue/chairs/4711?colour=walnut&page=2 HTTP/1.1\r\n"
    "Host: shop.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n"
    "Accept-Encoding: gzip, deflate, br, zstd\r\n"
    "Referer: https://shop.example.com/catalogue/chairs?page=1\r\n"
    "Cookie: session=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c; consent=2; theme=dark; "
    "basket=3f79bb7b435b05321651dae\r\n"
    "Connection: keep-alive\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: same-origin\r\n"
    "Sec-Fetch-User: ?1\r\n"
    "Priority: u=0, i\r\n\r\n";

inline constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: demo/1.0.7-debian\r\n"
    "Date: Mon, 23 Nov 2026 02:53:02 GMT\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 100\r\n"
    "Cache-Control: no-cache\r\n\r\n";

static_assert(kWrkRequest.size() == 85);
static_assert(kBrowserRequest.size() >= 690 && kBrowserRequest.size() <= 710);
static_assert(kResponse.size() >= 165 && kResponse.size() <= 175);

}  // namespace gracevisor::bench
