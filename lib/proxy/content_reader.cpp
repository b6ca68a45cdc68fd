#include "proxy/content_reader.h"

#include <algorithm>

namespace gracevisor::proxy {
namespace {

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

void ContentReader::start(const http::Framing& from, const http::BodyLimits& limits,
                          const std::vector<std::string>* trailers) noexcept {
  reader_.start(from, limits);
  trailer_.clear();
  content_ = 0;
  const bool any = from.kind == http::Framing::Kind::chunked && trailers != nullptr && !trailers->empty();
  trailers_ = any ? trailers : nullptr;
}

std::size_t ContentReader::next(std::string_view bytes, Pieces& pieces) noexcept {
  std::size_t taken = 0;
  while (taken < bytes.size() && reading() && pieces.count() < Pieces::kContent) {
    http::BodyReader::Step step = reader_.next(bytes.substr(taken));
    taken += step.consumed;
    content_ += step.payload.size();
    if (trailers_ != nullptr) trailer_.append(step.trailer);
    if (!step.payload.empty()) pieces.add(step.payload);
  }
  if (trailers_ != nullptr && finished()) keep_listed(*trailers_, trailer_);
  return taken;
}

}  // namespace gracevisor::proxy
