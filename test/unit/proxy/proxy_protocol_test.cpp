// The PROXY protocol as bytes: every header that is one, and what is none.
#include "proxy/proxy_protocol.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gracevisor::proxy {
namespace {

using State = ProxyHeader::State;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// A header of version 2: version and command, family and transport, what follows.
std::string version_2(unsigned command, unsigned family, const std::string& rest) {
  std::string bytes = kSignature;
  for (unsigned byte : {command, family, static_cast<unsigned>(rest.size() >> 8U),
                        static_cast<unsigned>(rest.size() & 0xffU)}) {
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes + rest;
}

// 192.0.2.1:56324 -> 198.51.100.1:443
const std::string kIpv4("\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb", 12);
// [2001:db8::1]:56324 -> [2001:db8::2]:443
const std::string kIpv6(
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
    "\xdc\x04\x01\xbb",
    36);
constexpr unsigned kProxy = 0x21;
constexpr unsigned kLocal = 0x20;
constexpr unsigned kTcp4 = 0x11;
constexpr unsigned kTcp6 = 0x21;

struct Row {
  std::string bytes;   // the header
  std::string client;  // empty: not told
};

const std::vector<Row>& headers() {
  static const std::vector<Row> kRows = {
      {"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1:56324"},
      {"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0"},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", "[2001:db8::1]:56324"},
      {"PROXY TCP6 ffff:f:f:f:f:f:f:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "[ffff:f:f:f:f:f:f:ffff]:65535"},
      {"PROXY UNKNOWN\r\n", ""},
      {"PROXY UNKNOWN ffff:f:f:f:f:f:f:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n", ""},
      {"PROXY UNKNOWN " + std::string(107 - 16, 'x') + "\r\n", ""},  // the longest
      {version_2(kProxy, kTcp4, kIpv4), "192.0.2.1:56324"},
      {version_2(kProxy, kTcp6, kIpv6), "[2001:db8::1]:56324"},
      {version_2(kProxy, kTcp4, kIpv4 + std::string("\x04\x00\x03xyz\x20\x00\x00", 9)),
       "192.0.2.1:56324"},  // TLVs
      {version_2(kProxy, kTcp6, kIpv6 + std::string(1000, 'x')), "[2001:db8::1]:56324"},
      {version_2(kProxy, kTcp4, kIpv4 + std::string(kMaxProxyHeader - 28, 'x')), "192.0.2.1:56324"},
      {version_2(kLocal, 0, ""), ""},  // a health check of the balancer's own
      {version_2(kLocal, kTcp4, kIpv4), ""},
      {version_2(kLocal, 0xff, "anything"), ""},
      {version_2(kProxy, 0, ""), ""},                        // unspecified
      {version_2(kProxy, 0x31, std::string(216, '/')), ""},  // a Unix socket
      {version_2(kProxy, 0x12, kIpv4), ""},                  // UDP
      {version_2(kProxy, 0x22, kIpv6), ""},                  //
  };
  return kRows;
}

TEST_CASE("proxy protocol: a header tells the client, and where the connection's own bytes begin") {
  for (const Row& row : headers()) {
    CAPTURE(row.bytes);
    for (const std::string& behind : {std::string(), std::string("GET / HTTP/1.1\r\n\r\n")}) {
      ProxyHeader header = parse_proxy_header(row.bytes + behind);
      CHECK(header.state == State::complete);
      CHECK(header.size == row.bytes.size());
      CHECK((header.client ? header.client->text() : std::string()) == row.client);
    }
  }
}

TEST_CASE("proxy protocol: an extension that lies about its length is skipped within the header's own") {
  for (const std::string& lie : {std::string("\x04\xff\xff", 3), std::string("\x20\x00\x09xyz", 6),
                                 std::string("\x04", 1), std::string("\x04\x00", 2)}) {
    const std::string bytes = version_2(kProxy, kTcp4, kIpv4 + lie);
    const std::string behind = "GET / HTTP/1.1\r\n\r\n";
    ProxyHeader header = parse_proxy_header(bytes + behind);
    CHECK(header.state == State::complete);
    CHECK(header.size == bytes.size());
    REQUIRE(header.client);
    CHECK(header.client->text() == "192.0.2.1:56324");
  }
}

TEST_CASE("proxy protocol: every beginning of a header is incomplete") {
  for (const Row& row : headers()) {
    CAPTURE(row.bytes);
    for (std::size_t size = 0; size < row.bytes.size(); ++size) {
      CAPTURE(size);
      const std::string piece = row.bytes.substr(0, size);
      REQUIRE(parse_proxy_header(piece).state == State::incomplete);
    }
  }
}

TEST_CASE("proxy protocol: what is no header is refused") {
  for (const std::string& bytes : std::vector<std::string>{
           "GET / HTTP/1.1\r\n\r\n",
           "X",
           "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
           "PROXY\r\n",
           "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
           "PROXY \r\n",
           "PROXY TCP4\r\n",
           "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n",
           "PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n",
           "PROXY UNKNOWNX\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n",
           "PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n",
           "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
           "PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n",
           "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
           "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
           "PROXY TCP4 192.0.2.1 host 1 2\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.1 1 -2\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n",
           "PROXY TCP4 192.0.2.1 198.51.100.1 0x1 2\r\n",
           std::string("PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n", 41),
           "PROXY TCP6 " + std::string(50, '1') + " ::1 1 2\r\n",
           "PROXY UNKNOWN " + std::string(107 - 15, 'x') + "\r\n",  // a byte too long
           "PROXY " + std::string(200, 'x'),
       }) {
    CAPTURE(bytes);
    CHECK(parse_proxy_header(bytes).state == State::malformed);
  }
}

TEST_CASE(
    "proxy protocol: version 2 is refused with another version, an unknown command or too little or too "
    "much") {
  for (const std::string& bytes : std::vector<std::string>{
           version_2(0x11, kTcp4, kIpv4),
           version_2(0x31, kTcp4, kIpv4),
           version_2(0x22, kTcp4, kIpv4),
           version_2(0x2f, kTcp4, kIpv4),
           version_2(kProxy, kTcp4, kIpv4.substr(1)),
           version_2(kProxy, kTcp6, kIpv6.substr(1)),
           version_2(kProxy, kTcp6, kIpv4),
           version_2(kProxy, kTcp4, ""),
           version_2(kProxy, kTcp4, kIpv4 + std::string(kMaxProxyHeader - 27, 'x')),
           version_2(kLocal, 0, std::string(65535, 'x')),
       }) {
    CAPTURE(bytes.size());
    CHECK(parse_proxy_header(bytes).state == State::malformed);
  }
  // Its length is known from the first 16 bytes: nothing more of it is awaited.
  CHECK(parse_proxy_header(version_2(kLocal, 0, std::string(65535, 'x')).substr(0, 16)).state ==
        State::malformed);
  std::string broken = version_2(kProxy, kTcp4, kIpv4);
  for (std::size_t at = 0; at < kSignature.size(); ++at) {
    CAPTURE(at);
    std::string other = broken;
    other[at] = '!';
    CHECK(parse_proxy_header(other.substr(0, at + 1)).state == State::malformed);
  }
}

}  // namespace
}  // namespace gracevisor::proxy
