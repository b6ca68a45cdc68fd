#include "http/head.h"

#include "http/head_check.h"
#include "http/head_meaning.h"
#include "http/head_parser.h"

namespace gracevisor::http {

namespace {

HeadResult refuse(Refusal refusal) noexcept {
  return {.state = HeadState::refused, .size = 0, .refusal = refusal};
}

HeadResult refuse_response(Refusal refusal) noexcept {
  constexpr int kBadGateway = 502;
  refusal.status = kBadGateway;
  return refuse(refusal);
}

Refusal refusal_of(HeadParser::Verdict verdict) noexcept {
  switch (verdict) {
    case HeadParser::Verdict::unknown_method: return Reason::unknown_method;
    case HeadParser::Verdict::bad_target: return Reason::bad_target;
    case HeadParser::Verdict::bad_version: return Reason::unsupported_version;
    case HeadParser::Verdict::bad_length: return {Reason::bad_length, "Content-Length"};
    case HeadParser::Verdict::two_lengths: return {Reason::two_lengths, "Content-Length"};
    case HeadParser::Verdict::bad_transfer_encoding:
      return {Reason::bad_transfer_encoding, "Transfer-Encoding"};
    case HeadParser::Verdict::accepted:
    case HeadParser::Verdict::other: break;
  }
  return Reason::bad_head;
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
  // Find, check, parse. `complete` if the number of fields is the one the check counted.
  HeadResult read(MessageKind kind, std::string_view bytes, const HeadLimits& limits, Look look,
                  Fields& fields) {
    FoundHead found;
    if (look == Look::first) found = find_plain_head(bytes, kind, limits);
    if (found.state != HeadState::complete) found = find_and_check(kind, bytes, limits);
    if (found.state == HeadState::incomplete) return {};
    if (found.state == HeadState::refused) return refuse(found.refusal);
    const std::string_view head = bytes.substr(found.begin, found.end - found.begin);
    const auto type = kind == MessageKind::request ? HTTP_REQUEST : HTTP_RESPONSE;
    const auto verdict = parser.parse(type, head, found.stand_ins, fields);
    if (verdict != HeadParser::Verdict::accepted) return refuse(refusal_of(verdict));
    if (fields.size() + parser.left_out() != found.fields) return refuse(Reason::bad_head);
    repaired = found.stand_ins.repair();
    return {.state = HeadState::complete, .size = found.end, .refusal = {}};
  }

  HeadParser parser;
  bool repaired = false;  // whether the last one read was repaired

 private:
  static FoundHead find_and_check(MessageKind kind, std::string_view bytes,
                                  const HeadLimits& limits) noexcept {
    FoundHead found = find_head(bytes, kind, limits);
    if (found.state != HeadState::complete) return found;
    const std::string_view head = bytes.substr(found.begin, found.end - found.begin);
    const auto checked =
        kind == MessageKind::request ? check_request_head(head, limits) : check_response_head(head);
    if (checked) {
      found.stand_ins = *checked;
    } else {
      found.state = HeadState::refused;
      found.refusal = checked.error();
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
  if (result.state == HeadState::refused) return refuse_response(result.refusal);
  if (result.state != HeadState::complete) return result;
  if (const auto refusal = understand_response(impl_->parser, method, head)) return refuse_response(*refusal);
  head.repaired = impl_->repaired;
  if (head.repaired) {
    // An interim response must have no length at all: it is not for us to repair.
    if (head.interim()) return refuse_response({Reason::two_lengths, "Content-Length"});
    head.keep_alive = false;
  }
  return result;
}

}  // namespace gracevisor::http
