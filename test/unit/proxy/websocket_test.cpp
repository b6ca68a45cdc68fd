// Where WebSocket frames end, whatever comes between, and how Close frames look.
#include "proxy/websocket.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gracevisor::proxy {
namespace {

std::string frame(unsigned first, const std::string& payload, bool masked) {
  std::string bytes(1, static_cast<char>(first));
  unsigned mask = masked ? 0x80U : 0U;
  std::size_t size = payload.size();
  if (size < 126) {
    bytes.push_back(static_cast<char>(mask | size));
  } else if (size < 65536) {
    bytes.push_back(static_cast<char>(mask | 126U));
    for (unsigned shift : {8U, 0U}) bytes.push_back(static_cast<char>(size >> shift & 0xffU));
  } else {
    bytes.push_back(static_cast<char>(mask | 127U));
    for (unsigned shift = 64; shift > 0; shift -= 8) {
      bytes.push_back(static_cast<char>(std::uint64_t{size} >> (shift - 8) & 0xffU));
    }
  }
  if (masked) bytes += "\xff\xff\xff\xff";
  return bytes + payload;
}

TEST_CASE("websocket: every frame's end is a boundary, and nothing before it is") {
  for (bool masked : {false, true}) {
    for (std::size_t size : {0U, 1U, 125U, 126U, 127U, 300U, 65535U, 65536U, 70000U}) {
      std::string bytes = frame(0x82, std::string(size, '\x88'), masked);
      CAPTURE(size);
      CAPTURE(masked);
      WebSocketFrames whole;
      CHECK(whole.at_boundary());
      whole.pass(bytes);
      CHECK(whole.at_boundary());
      CHECK_FALSE(whole.closing());
      for (std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{5}, bytes.size() - 1}) {
        if (cut >= bytes.size()) continue;
        WebSocketFrames frames;
        frames.pass(std::string_view(bytes).substr(0, cut));
        CHECK_FALSE(frames.at_boundary());
        std::string rest = bytes.substr(cut) + frame(0x81, "next", masked);
        CHECK(frames.until_boundary(rest) == bytes.size() - cut);
        frames.pass(std::string_view(rest).substr(0, bytes.size() - cut));
        CHECK(frames.at_boundary());
      }
    }
  }
}

TEST_CASE("websocket: frames that come byte by byte end where they end") {
  std::string bytes = frame(0x01, "hel", true) + frame(0x89, "", true) + frame(0x80, "lo", true);
  WebSocketFrames frames;
  std::vector<std::size_t> boundaries;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    frames.pass({&bytes[i], 1});
    if (frames.at_boundary()) boundaries.push_back(i + 1);
  }
  CHECK(boundaries == std::vector<std::size_t>{9, 15, 23});
}

TEST_CASE("websocket: a Close frame is noticed, a payload that looks like one is not") {
  WebSocketFrames frames;
  frames.pass(frame(0x82, frame(0x88, "x", false), false));
  CHECK_FALSE(frames.closing());
  frames.pass(frame(0x88, "\x03\xe8", false));
  CHECK(frames.closing());
}

TEST_CASE("websocket: a Close frame of ours is one whole frame, masked from a client's side") {
  CHECK(WebSocketClose(CloseFrom::server, kServiceRestart).bytes() ==
        std::string_view("\x88\x02\x03\xf4", 4));
  CHECK(WebSocketClose(CloseFrom::client, kGoingAway).bytes() ==
        std::string_view("\x88\x82\0\0\0\0\x03\xe9", 8));
}

}  // namespace
}  // namespace gracevisor::proxy
