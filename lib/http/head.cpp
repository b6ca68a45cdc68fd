#include "http/head.h"

#include "http/head_check.h"
#include "http/head_meaning.h"
#include "http/head_parser.h"

namespace gracevisor::http {

namespace {

HeadResult refuse(Refusal refusal) noexcept {
  return {.state = HeadState::refused, .size = 0, .refusal = refusal};
}

Refusal refusal_of(HeadParser::Verdict verdict) noexcept {
  switch (verdict) {
    case HeadParser::Verdict::unknown_method: return {501, "unknown-method"};
    case HeadParser::Verdict::bad_version: return {505, "unsupported-version"};
    case HeadParser::Verdict::bad_length: return {400, "bad-length"};
    case HeadParser::Verdict::two_lengths: return {400, "two-lengths"};
    case HeadParser::Verdict::bad_transfer_encoding: return {400, "bad-transfer-encoding"};
    case HeadParser::Verdict::accepted:
    case HeadParser::Verdict::other: break;
  }
  return {400, "bad-head"};
}

}  // namespace

bool idempotent(Method method) noexcept {
  switch (method) {
    case Method::get:
    case Method::head:
    case Method::options:
    case Method::trace:
    case Method::put:
    case Method::delete_: return true;
    case Method::post:
    case Method::patch:
    case Method::connect:
    case Method::other: return false;
  }
  return false;
}

class HeadReader::Impl {
 public:
  // Find, check, parse. `complete` when the fields are there and as many as the check counted.
  HeadResult read(MessageKind kind, std::string_view bytes, const HeadLimits& limits, Look look,
                  Fields& fields) {
    FoundHead found;
    if (look == Look::first) found = find_plain_head(bytes, kind, limits);
    if (found.state != HeadState::complete) found = find_and_check(kind, bytes, limits);
    if (found.state == HeadState::incomplete) return {};
    if (found.state == HeadState::refused) return refuse(found.refusal);
    const std::string_view head = bytes.substr(found.begin, found.end - found.begin);
    const auto type = kind == MessageKind::request ? HTTP_REQUEST : HTTP_RESPONSE;
    const auto verdict = parser.parse(type, head, fields);
    if (verdict != HeadParser::Verdict::accepted) return refuse(refusal_of(verdict));
    if (fields.size() != found.fields) return refuse({400, "bad-head"});
    return {.state = HeadState::complete, .size = found.end, .refusal = {}};
  }

  HeadParser parser;

 private:
  static FoundHead find_and_check(MessageKind kind, std::string_view bytes,
                                  const HeadLimits& limits) noexcept {
    FoundHead found = find_head(bytes, kind, limits);
    if (found.state != HeadState::complete) return found;
    const std::string_view head = bytes.substr(found.begin, found.end - found.begin);
    const auto refusal =
        kind == MessageKind::request ? check_request_head(head, limits) : check_response_head(head);
    if (refusal) {
      found.state = HeadState::refused;
      found.refusal = *refusal;
    }
    return found;
  }
};

HeadReader::HeadReader() : impl_(std::make_unique<Impl>()) {}
HeadReader::~HeadReader() = default;

HeadResult HeadReader::read_request(std::string_view bytes, const HeadLimits& limits, RequestHead& head,
                                    Look look) {
  HeadResult result = impl_->read(MessageKind::request, bytes, limits, look, head.fields);
  if (result.state != HeadState::complete) return result;
  if (const auto refusal = understand_request(impl_->parser, head)) return refuse(*refusal);
  return result;
}

HeadResult HeadReader::read_response(std::string_view bytes, const HeadLimits& limits, Method method,
                                     ResponseHead& head, Look look) {
  HeadResult result = impl_->read(MessageKind::response, bytes, limits, look, head.fields);
  result.refusal.status = 502;
  if (result.state != HeadState::complete) return result;
  if (const auto refusal = understand_response(impl_->parser, method, head)) return refuse(*refusal);
  return result;
}

}  // namespace gracevisor::http
