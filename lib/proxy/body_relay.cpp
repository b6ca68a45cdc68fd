#include "proxy/body_relay.h"

namespace gracevisor::proxy {

void BodyRelay::start(const http::Framing& from, const http::Framing& to, const http::BodyLimits& limits,
                      const std::vector<std::string>* trailers) noexcept {
  // Where there is no content there is no framing either.
  chunked_ = to.kind == http::Framing::Kind::chunked && from.kind != http::Framing::Kind::none;
  withheld_ = false;
  reader_.start(from, limits, trailers);
}

std::size_t BodyRelay::next(std::string_view bytes, Pieces& pieces) noexcept {
  if (!chunked_ || withheld_) return reader_.next(bytes, pieces);
  Pieces content;
  const std::size_t taken = reader_.next(bytes, content);
  add_chunked(reader_.of(content), line_.emplace(content.bytes()), pieces);
  return taken;
}

void BodyRelay::restore_chunks(Pieces& pieces) noexcept {
  withheld_ = false;
  const Pieces none;
  if (chunked_ && finished()) add_chunked(reader_.of(none), line_.emplace(0), pieces);
}

}  // namespace gracevisor::proxy
