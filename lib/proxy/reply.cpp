#include "proxy/reply.h"

namespace gracevisor::proxy {

std::string message_of(const http::Refusal& why) {
  constexpr int kBadGateway = 502;
  constexpr std::string_view kHex = "0123456789abcdef";
  const http::ReasonText& text = http::text_of(why.reason);
  // A rule that also applies to requests, where its status would be different.
  if (why.status == kBadGateway && text.status != kBadGateway) {
    return std::string("The app's response is not valid HTTP/1.1. ").append(text.sentence);
  }
  std::string message(text.sentence);
  if (why.byte >= 0) {
    const auto byte = static_cast<unsigned>(why.byte);
    message.append(" It is the byte 0x").append(1, kHex[byte >> 4U]).append(1, kHex[byte & 0xfU]);
    if (byte > ' ' && byte < 0x7f) message.append(" (").append(1, static_cast<char>(byte)).append(")");
    message.append(".");
  }
  if (!why.field.empty()) message.append(" Field: ").append(why.field).append(".");
  return message;
}

}  // namespace gracevisor::proxy
