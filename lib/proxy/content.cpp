#include "proxy/content.h"

namespace gracevisor::proxy {

void add_all(const Pieces& pieces, Pieces& out) noexcept {
  for (std::string_view piece : pieces.slices()) out.add(piece);
}

void add_chunked(const Content& content, const http::ChunkLine& line, Pieces& out) noexcept {
  if (content.pieces.bytes() > 0) {
    out.add(line.text());
    add_all(content.pieces, out);
    out.add(http::kChunkEnd);
  }
  if (!content.last) return;
  if (content.trailers.empty()) {
    out.add(http::kLastChunk);
    return;
  }
  constexpr std::size_t kSizeLine = 3;  // without the empty trailer section
  out.add(http::kLastChunk.substr(0, kSizeLine));
  out.add(content.trailers);
  out.add(http::kChunkEnd);
}

}  // namespace gracevisor::proxy
