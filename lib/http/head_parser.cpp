#include "http/head_parser.h"

#include "http/characters.h"

namespace gracevisor::http {

namespace {

// llhttp may hand a span over in pieces; in a contiguous head they must touch.
int extend(std::string_view& span, const char* at, std::size_t length) noexcept {
  if (span.empty()) {
    span = std::string_view(at, length);
  } else if (span.data() + span.size() == at) {
    span = std::string_view(span.data(), span.size() + length);
  } else {
    return HPE_USER;
  }
  return HPE_OK;
}

HeadParser::Verdict verdict_of(llhttp_errno_t error, int method) noexcept {
  using Verdict = HeadParser::Verdict;
  // RTSP's methods are refused not as methods but for the HTTP that follows.
  if (error == HPE_INVALID_METHOD || method >= HTTP_PRI) return Verdict::unknown_method;
  if (error == HPE_INVALID_VERSION || error == HPE_PAUSED_H2_UPGRADE) return Verdict::bad_version;
  if (error == HPE_INVALID_CONTENT_LENGTH) return Verdict::bad_length;
  if (error == HPE_UNEXPECTED_CONTENT_LENGTH) return Verdict::two_lengths;
  if (error == HPE_INVALID_TRANSFER_ENCODING) return Verdict::bad_transfer_encoding;
  return Verdict::other;
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

HeadParser::Verdict HeadParser::parse(llhttp_type_t type, std::string_view head, Fields& fields) {
  fields.clear();
  fields_ = &fields;
  method_text_ = {};
  target_ = {};
  reason_ = {};
  ended_ = false;
  llhttp_init(&parser_, type, &settings_);
  parser_.data = this;
  const llhttp_errno_t error = llhttp_execute(&parser_, head.data(), head.size());
  fields_ = nullptr;
  if (error != HPE_PAUSED) return verdict_of(error, method());
  if (!ended_) return Verdict::other;
  for (Field& field : fields) {
    field.name = classify(field.text);
    field.value = trim(field.value);
  }
  return Verdict::accepted;
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

// A name continues the one before only where the bytes touch: a colon lies between two names.
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

// Stops here: bodies are not llhttp's to read.
int HeadParser::on_end(llhttp_t* parser) {
  self(parser).ended_ = true;
  return HPE_PAUSED;
}

}  // namespace gracevisor::http
