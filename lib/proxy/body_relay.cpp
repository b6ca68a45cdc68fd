#include "proxy/body_relay.h"

namespace gracevisor::proxy {
namespace {
// Behind the content of one call may come the chunk's end and the last chunk.
constexpr std::size_t kReserved = 2;
}  // namespace

void BodyRelay::start(const http::Framing& from, const http::Framing& to, std::uint64_t max_body) noexcept {
  reader_.start(from, max_body);
  content_ = 0;
  // Where there is no content (an answer to HEAD, 204, 304) there is no framing either.
  chunked_ = to.kind == http::Framing::Kind::chunked && from.kind != http::Framing::Kind::none;
}

std::size_t BodyRelay::next(std::string_view bytes, Pieces& pieces) noexcept {
  std::size_t line = 0;
  if (chunked_) line = pieces.add({});
  std::size_t taken = 0;
  std::size_t content = 0;
  while (taken < bytes.size() && reading() && pieces.room() > kReserved) {
    http::BodyReader::Step step = reader_.next(bytes.substr(taken));
    taken += step.consumed;
    content += step.payload.size();
    if (!step.payload.empty()) pieces.add(step.payload);
  }
  content_ += content;
  if (chunked_ && content > 0) {
    pieces.replace(line, line_.emplace(content).text());
    pieces.add(http::kChunkEnd);
  }
  if (chunked_ && finished()) pieces.add(http::kLastChunk);
  return taken;
}

void BodyRelay::end_of_input(Pieces& pieces) noexcept {
  bool was_reading = reading();
  reader_.end_of_input();
  if (was_reading && chunked_ && finished()) pieces.add(http::kLastChunk);
}

}  // namespace gracevisor::proxy
