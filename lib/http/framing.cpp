#include "http/framing.h"

#include "http/characters.h"

namespace gracevisor::http {

namespace {

// A transfer coding that is not plain `chunked`: 501 if chunked is last and the others are not understood,
// 400 if the end of the body could not be found or the list is malformed.
Refusal refuse_coding(std::string_view coding) noexcept {
  const std::size_t comma = coding.rfind(',');
  if (comma == std::string_view::npos) return {Reason::bad_transfer_encoding, "Transfer-Encoding"};
  const bool chunked_last = equals_ignoring_case(trim(coding.substr(comma + 1)), "chunked");
  std::string_view before = coding.substr(0, comma);
  const bool understood = trim(before).empty() || list_has(before, "chunked");
  if (!chunked_last || understood) return {Reason::bad_transfer_encoding, "Transfer-Encoding"};
  return {Reason::unknown_transfer_encoding, "Transfer-Encoding"};
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
    if (lengths_ > 0) return std::unexpected(Refusal(Reason::two_lengths, "Content-Length"));
    if (codings_ > 1) return std::unexpected(Refusal(Reason::bad_transfer_encoding, "Transfer-Encoding"));
    if (minor == 0) return std::unexpected(Refusal(Reason::transfer_encoding_on_1_0, "Transfer-Encoding"));
    if (!equals_ignoring_case(coding_, "chunked")) return std::unexpected(refuse_coding(coding_));
    framing.kind = Framing::Kind::chunked;
    return framing;
  }
  if (lengths_ == 0) return framing;
  if (lengths_ > 1) return std::unexpected(Refusal(Reason::two_lengths, "Content-Length"));
  if (!parse_decimal(length_, framing.length))
    return std::unexpected(Refusal(Reason::bad_length, "Content-Length"));
  if (framing.length > 0) framing.kind = Framing::Kind::length;
  return framing;
}

}  // namespace gracevisor::http
