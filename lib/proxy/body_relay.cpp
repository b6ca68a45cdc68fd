#include "proxy/body_relay.h"

#include <algorithm>

namespace gracevisor::proxy {
namespace {
// The content of one call may be followed by the chunk's end and the last chunk with its trailer fields.
constexpr std::size_t kReserved = 4;

bool listed(const std::vector<std::string>& names, std::string_view name) noexcept {
  return std::any_of(names.begin(), names.end(),
                     [name](const std::string& other) { return http::equals_ignoring_case(name, other); });
}

// Keeps the lines whose names are listed. `lines` were checked: each has a name, a colon and a CRLF.
void keep_listed(const std::vector<std::string>& names, std::string& lines) noexcept {
  std::size_t from = 0;
  while (from < lines.size()) {
    std::size_t end = lines.find('\n', from) + 1;
    if (listed(names, std::string_view(lines).substr(from, lines.find(':', from) - from))) {
      from = end;
    } else {
      lines.erase(from, end - from);
    }
  }
}

}  // namespace

void BodyRelay::start(const http::Framing& from, const http::Framing& to,
                      const http::BodyReader::Limits& limits,
                      const std::vector<std::string>* trailers) noexcept {
  reader_.start(from, limits);
  trailer_.clear();
  content_ = 0;
  withheld_ = false;
  // Where there is no content (an answer to HEAD, 204, 304) there is no framing either.
  chunked_ = to.kind == http::Framing::Kind::chunked && from.kind != http::Framing::Kind::none;
  trailers_ = chunked_ && trailers != nullptr && !trailers->empty() ? trailers : nullptr;
}

std::size_t BodyRelay::next(std::string_view bytes, Pieces& pieces) noexcept {
  const bool framed = chunked_ && !withheld_;
  std::size_t line = 0;
  if (framed) line = pieces.add({});
  std::size_t taken = 0;
  std::size_t content = 0;
  while (taken < bytes.size() && reading() && pieces.room() > kReserved) {
    http::BodyReader::Step step = reader_.next(bytes.substr(taken));
    taken += step.consumed;
    content += step.payload.size();
    if (trailers_ != nullptr) trailer_.append(step.trailer);
    if (!step.payload.empty()) pieces.add(step.payload);
  }
  content_ += content;
  if (trailers_ != nullptr && finished()) keep_listed(*trailers_, trailer_);
  if (framed && content > 0) {
    pieces.replace(line, line_.emplace(content).text());
    pieces.add(http::kChunkEnd);
  }
  if (framed && finished()) add_end(pieces);
  return taken;
}

void BodyRelay::restore_chunks(Pieces& pieces) noexcept {
  withheld_ = false;
  if (chunked_ && finished()) add_end(pieces);
}

void BodyRelay::add_end(Pieces& pieces) noexcept {
  if (trailer_.empty()) {
    pieces.add(http::kLastChunk);
    return;
  }
  pieces.add(http::kLastChunk.substr(0, 3));
  pieces.add(trailer_);
  pieces.add(http::kChunkEnd);
}

void BodyRelay::end_of_input(Pieces& pieces) noexcept {
  bool was_reading = reading();
  reader_.end_of_input();
  if (was_reading && chunked_ && finished()) add_end(pieces);
}

}  // namespace gracevisor::proxy
