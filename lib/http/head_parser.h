// llhttp, set up to read one complete head: its callbacks only record spans, and it stops where the head
// ends, so it never sees a body. No lenient flag is ever set. Internal to http/. Thread: the owner's.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/fields.h"
#include "http/head_check.h"

namespace gracevisor::http {

class HeadParser {
 public:
  enum class Verdict : std::uint8_t {
    accepted,
    unknown_method,
    bad_target,
    bad_version,
    bad_length,
    two_lengths,  // or a length along with a transfer coding
    bad_transfer_encoding,
    other,
  };

  HeadParser();
  HeadParser(const HeadParser&) = delete;
  HeadParser& operator=(const HeadParser&) = delete;

  // Reads `head`, complete and contiguous, and fills `fields`, which is cleared first. What `stand_ins` names
  // goes to llhttp in another form, without a copy: it gets the head in pieces. Everything recorded points
  // into `head`.
  [[nodiscard]] Verdict parse(llhttp_type_t type, std::string_view head, StandIns stand_ins, Fields& fields);

  // After `accepted`:
  // Did the method have a stand-in?
  [[nodiscard]] bool other_method() const noexcept { return other_method_; }
  // llhttp's number for the method. Requires: !other_method().
  [[nodiscard]] int method() noexcept { return llhttp_get_method(&parser_); }
  [[nodiscard]] std::string_view method_text() const noexcept { return method_text_; }
  [[nodiscard]] int status() noexcept { return llhttp_get_status_code(&parser_); }
  [[nodiscard]] int minor() noexcept { return llhttp_get_http_minor(&parser_); }
  [[nodiscard]] std::string_view target() const noexcept { return target_; }
  [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
  // Lines of the head that are not among the fields.
  [[nodiscard]] std::size_t left_out() const noexcept { return left_out_; }

 private:
  static HeadParser& self(llhttp_t* parser) noexcept { return *static_cast<HeadParser*>(parser->data); }
  static int on_method(llhttp_t* parser, const char* at, std::size_t length);
  static int on_target(llhttp_t* parser, const char* at, std::size_t length);
  static int on_reason(llhttp_t* parser, const char* at, std::size_t length);
  static int on_name(llhttp_t* parser, const char* at, std::size_t length);
  static int on_value(llhttp_t* parser, const char* at, std::size_t length);
  static int on_end(llhttp_t* parser);

  [[nodiscard]] llhttp_errno_t feed(std::string_view text) {
    return llhttp_execute(&parser_, text.data(), text.size());
  }
  [[nodiscard]] llhttp_errno_t feed_pieces(std::string_view head, StandIns stand_ins);
  [[nodiscard]] llhttp_errno_t feed_request_line(std::string_view line);
  [[nodiscard]] llhttp_errno_t feed_field(std::string_view line, StandIns stand_ins, bool& length_seen);

  llhttp_settings_t settings_{};
  llhttp_t parser_{};
  Fields* fields_ = nullptr;
  std::string_view method_text_;
  std::string_view target_;
  std::string_view reason_;
  std::size_t left_out_ = 0;
  bool other_method_ = false;
  bool ended_ = false;
};

}  // namespace gracevisor::http
