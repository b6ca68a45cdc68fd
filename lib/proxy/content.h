// Some of a message's content on its way from the code that reads it to the code that frames it for the
// receiver. Thread: a value; valid as long as the bytes that its slices point into.
#pragma once

#include <string_view>

#include "http/body.h"
#include "proxy/pieces.h"

namespace gracevisor::proxy {

struct Content {
  const Pieces& pieces;            // bare, at most Pieces::kContent of them
  bool last = false;               // nothing follows
  std::string_view trailers = {};  // with `last`: the complete trailer lines that pass
};

// Adds the content as one chunk (RFC 9112 section 7.1), unless it is empty, and with `last` also the end of
// the body. `line` states the content's size, and lives as long as `out`.
void add_chunked(const Content& content, const http::ChunkLine& line, Pieces& out) noexcept;
void add_all(const Pieces& pieces, Pieces& out) noexcept;

}  // namespace gracevisor::proxy
