#include "http/head_parser.h"

#include "http/characters.h"

namespace gracevisor::http {

namespace {

constexpr std::string_view kLineEnd = "\r\n";

// llhttp may deliver a span in pieces; in a contiguous head they must touch. If bytes are left out, the piece
// after them is empty.
int extend(std::string_view& span, const char* at, std::size_t length) noexcept {
  if (span.empty()) {
    span = std::string_view(at, length);
  } else if (span.data() + span.size() == at) {
    span = std::string_view(span.data(), span.size() + length);
  } else if (length > 0) {
    return HPE_USER;
  }
  return HPE_OK;
}

HeadParser::Verdict verdict_of(llhttp_errno_t error, int method) noexcept {
  using Verdict = HeadParser::Verdict;
  // RTSP's methods are refused not as methods but because of the HTTP version that follows.
  if (error == HPE_INVALID_METHOD || method >= HTTP_PRI) return Verdict::unknown_method;
  if (error == HPE_INVALID_URL) return Verdict::bad_target;
  if (error == HPE_INVALID_VERSION || error == HPE_PAUSED_H2_UPGRADE) return Verdict::bad_version;
  if (error == HPE_INVALID_CONTENT_LENGTH) return Verdict::bad_length;
  if (error == HPE_UNEXPECTED_CONTENT_LENGTH) return Verdict::two_lengths;
  if (error == HPE_INVALID_TRANSFER_ENCODING) return Verdict::bad_transfer_encoding;
  return Verdict::other;
}

// Requires: both lie in a complete head.
bool on_a_plain_line(const Field& field) noexcept {
  const char* const value = field.text.data() + field.text.size() + 2;
  const char* const end = value + field.value.size();
  return field.value.data() == value && value[-1] == ' ' && end[0] == '\r' && end[1] == '\n';
}

}  // namespace

HeadParser::HeadParser() {
  llhttp_settings_init(&settings_);
  settings_.on_method = on_method;
  settings_.on_url = on_target;
  settings_.on_status = on_reason;
  settings_.on_header_field = on_name;
  settings_.on_header_value = on_value;
  settings_.on_headers_complete = on_end;
}

HeadParser::Verdict HeadParser::parse(llhttp_type_t type, std::string_view head, StandIns stand_ins,
                                      Fields& fields) {
  fields.clear();
  fields_ = &fields;
  method_text_ = {};
  target_ = {};
  reason_ = {};
  left_out_ = 0;
  other_method_ = ended_ = false;
  llhttp_init(&parser_, type, &settings_);
  parser_.data = this;
  const llhttp_errno_t error = stand_ins.any() ? feed_pieces(head, stand_ins) : feed(head);
  fields_ = nullptr;
  if (error != HPE_PAUSED) return verdict_of(error, method());
  if (!ended_) return Verdict::other;
  for (Field& field : fields) {
    field.name = classify(field.text);
    field.value = trim(field.value);
    field.plain_line = on_a_plain_line(field);
  }
  return Verdict::accepted;
}

llhttp_errno_t HeadParser::feed_pieces(std::string_view head, StandIns stand_ins) {
  std::size_t at = head.find('\n') + 1;
  const std::string_view line = head.substr(0, at);
  llhttp_errno_t error = stand_ins.request_line ? feed_request_line(line) : feed(line);
  if (error == HPE_OK && !stand_ins.in_fields()) return feed(head.substr(at));
  bool length_seen = false;
  while (error == HPE_OK && at < head.size()) {
    const std::size_t end = head.find('\n', at) + 1;
    error = feed_field(head.substr(at, end - at), stand_ins, length_seen);
    at = end;
  }
  return error;
}

// Method, one space, target, and " HTTP/1.x": guaranteed by the check.
llhttp_errno_t HeadParser::feed_request_line(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::size_t version = line.rfind(' ');
  const std::string_view method = line.substr(0, space);
  other_method_ = !standard_method(method);
  llhttp_errno_t error = feed(other_method_ ? "POST" : method);
  if (error == HPE_OK) error = feed(" /");
  if (error == HPE_OK) error = feed(line.substr(version));
  method_text_ = method;
  target_ = line.substr(space + 1, version - space - 1);
  return error;
}

llhttp_errno_t HeadParser::feed_field(std::string_view line, StandIns stand_ins, bool& length_seen) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return feed(line);  // the empty line
  const FieldName name = classify(line.substr(0, colon));
  const bool length = name == FieldName::content_length;
  if (!length && name != FieldName::transfer_encoding) return feed(line);
  if (length && (stand_ins.no_length || (stand_ins.one_length && length_seen))) {
    ++left_out_;
    return HPE_OK;
  }
  length_seen = length_seen || length;
  std::string_view value = trim(line.substr(colon + 1, line.size() - kLineEnd.size() - colon - 1));
  if (length && stand_ins.one_length) value = trim(value.substr(0, value.find(',')));
  const auto end = static_cast<std::size_t>(value.data() + value.size() - line.data());
  const llhttp_errno_t error = feed(line.substr(0, end));
  return error == HPE_OK ? feed(line.substr(line.size() - kLineEnd.size())) : error;
}

int HeadParser::on_method(llhttp_t* parser, const char* at, std::size_t length) {
  return extend(self(parser).method_text_, at, length);
}

int HeadParser::on_target(llhttp_t* parser, const char* at, std::size_t length) {
  return extend(self(parser).target_, at, length);
}

int HeadParser::on_reason(llhttp_t* parser, const char* at, std::size_t length) {
  return extend(self(parser).reason_, at, length);
}

// A name continues the previous one only if the bytes touch: there is a colon between two names.
int HeadParser::on_name(llhttp_t* parser, const char* at, std::size_t length) {
  Fields& fields = *self(parser).fields_;
  if (!fields.empty()) {
    std::string_view& last = fields.back().text;
    if (last.data() + last.size() == at) return extend(last, at, length);
  }
  fields.push_back({.name = FieldName::other, .text = {at, length}, .value = {}});
  return HPE_OK;
}

int HeadParser::on_value(llhttp_t* parser, const char* at, std::size_t length) {
  Fields& fields = *self(parser).fields_;
  if (fields.empty()) return HPE_USER;
  return extend(fields.back().value, at, length);
}

// Stops here: llhttp does not read bodies.
int HeadParser::on_end(llhttp_t* parser) {
  self(parser).ended_ = true;
  return HPE_PAUSED;
}

}  // namespace gracevisor::http
