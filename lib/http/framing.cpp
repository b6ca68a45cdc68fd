#include "http/framing.h"

#include "http/characters.h"

namespace gracevisor::http {

namespace {

// A transfer coding that is not plain `chunked`: 501 where chunked is last and the others are not understood,
// 400 where the end of the body could not be found or the list is malformed.
Refusal refuse_coding(std::string_view coding) noexcept {
  const std::size_t comma = coding.rfind(',');
  if (comma == std::string_view::npos) return {400, "bad-transfer-encoding"};
  const bool chunked_last = equals_ignoring_case(trim(coding.substr(comma + 1)), "chunked");
  std::string_view before = coding.substr(0, comma);
  const bool understood = trim(before).empty() || list_has(before, "chunked");
  if (!chunked_last || understood) return {400, "bad-transfer-encoding"};
  return {501, "unknown-transfer-encoding"};
}

}  // namespace

void FramingFields::add(const Field& field) noexcept {
  if (field.name == FieldName::content_length) {
    ++lengths_;
    length_ = field.value;
  } else if (field.name == FieldName::transfer_encoding) {
    ++codings_;
    coding_ = field.value;
  }
}

std::expected<Framing, Refusal> FramingFields::decide(int minor) const noexcept {
  Framing framing;
  if (codings_ > 0) {
    if (lengths_ > 0) return std::unexpected(Refusal{400, "two-lengths"});
    if (codings_ > 1) return std::unexpected(Refusal{400, "bad-transfer-encoding"});
    if (minor == 0) return std::unexpected(Refusal{400, "transfer-encoding-on-1.0"});
    if (!equals_ignoring_case(coding_, "chunked")) return std::unexpected(refuse_coding(coding_));
    framing.kind = Framing::Kind::chunked;
    return framing;
  }
  if (lengths_ == 0) return framing;
  if (lengths_ > 1) return std::unexpected(Refusal{400, "two-lengths"});
  if (!parse_decimal(length_, framing.length)) return std::unexpected(Refusal{400, "bad-length"});
  if (framing.length > 0) framing.kind = Framing::Kind::length;
  return framing;
}

}  // namespace gracevisor::http
