// What gvdemo answers: from a request's head to a Reply, which says everything about the answer except when
// the bytes go out. Pure: no sockets, no time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/head.h"
#include "options.h"

namespace gracevisor::demo {

struct Reply {
  enum class Body : std::uint8_t {
    text,   // `text`, whole
    bytes,  // `count` bytes of filler, with a length or chunked
    lines,  // `count` numbered lines, `pause` apart, chunked
    echo,   // the request's own body, as it comes in
    crash,  // none: the process exits with 1
  };
  Body body = Body::text;
  int status = 200;
  std::string text;
  std::uint64_t count = 0;
  bool chunked = false;  // for bytes: chunked instead of a length
  base::Duration pause{};
  base::Duration delay{};  // before the first byte of the answer
};

// `raw` is the head as received, `head` the parsed form.
[[nodiscard]] Reply route(const http::RequestHead& head, std::string_view raw, const Options& options);

}  // namespace gracevisor::demo
