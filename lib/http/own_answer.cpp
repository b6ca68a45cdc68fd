#include <algorithm>

#include "http/characters.h"
#include "http/forward.h"
#include "http/write.h"

namespace gracevisor::http {

namespace {

enum class Form : std::uint8_t { plain, html, json };

Form form_of(std::string_view type) noexcept {
  if (equals_ignoring_case(type, "text/html")) return Form::html;
  return equals_ignoring_case(type, "application/json") ? Form::json : Form::plain;
}

// A weight in thousandths (RFC 9110 section 12.4.2); 1000 if none is given, 0 if it is malformed.
unsigned weight_of(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const std::size_t end = std::min(parameters.find(';'), parameters.size());
    const std::string_view parameter = trim(parameters.substr(0, end));
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
    if (parameter.size() < 2 || lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
    const std::string_view number = parameter.substr(2);
    if (number.empty() || (number[0] != '0' && number[0] != '1')) return 0;
    unsigned weight = number[0] == '1' ? 1000 : 0;
    unsigned unit = 100;
    if (number.size() > 1 && number[1] != '.') return 0;
    for (std::size_t i = 2; i < number.size() && unit > 0; ++i, unit /= 10) {
      if (!is(kDigit, number[i])) return 0;
      weight += static_cast<unsigned>(number[i] - '0') * unit;
    }
    return std::min(weight, 1000U);
  }
  return 1000;
}

// The form with the highest weight, the first among equals; plain text if none of ours is asked for.
Form preferred(std::string_view accept) noexcept {
  Form best = Form::plain;
  unsigned best_weight = 0;
  for (std::string_view member = next_member(accept); !member.empty(); member = next_member(accept)) {
    const std::size_t end = std::min(member.find(';'), member.size());
    const std::string_view type = trim(member.substr(0, end));
    const Form form = form_of(type);
    if (form == Form::plain && !equals_ignoring_case(type, "text/plain")) continue;
    const unsigned weight = weight_of(member.substr(std::min(end + 1, member.size())));
    if (weight > best_weight) {
      best = form;
      best_weight = weight;
    }
  }
  return best;
}

std::string_view content_type(Form form) noexcept {
  switch (form) {
    case Form::plain: return "text/plain; charset=utf-8";
    case Form::html: return "text/html; charset=utf-8";
    case Form::json: return "application/json";
  }
  return {};
}

// Printable ASCII passes; characters special to the form are escaped; the rest becomes "?".
void write_text(std::string_view text, Form form, std::string& out) {
  for (const char c : text) {
    if (c < ' ' || c > '~') {
      out.push_back('?');
    } else if (form == Form::json && (c == '"' || c == '\\')) {
      out.push_back('\\');
      out.push_back(c);
    } else if (form == Form::html && c == '&') {
      out.append("&amp;");
    } else if (form == Form::html && c == '<') {
      out.append("&lt;");
    } else if (form == Form::html && c == '>') {
      out.append("&gt;");
    } else if (form == Form::html && c == '"') {
      out.append("&quot;");
    } else {
      out.push_back(c);
    }
  }
}

void write_html(const OwnAnswer& answer, std::string& out) {
  out.append(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
  write_number(static_cast<std::uint64_t>(answer.status), out);
  out.append(" ").append(reason_phrase(answer.status));
  out.append(
      "</title>\n<style>body{font:16px/1.5 sans-serif;max-width:36em;margin:15vh auto;padding:0 1em}"
      "code{color:#666}</style>\n</head>\n<body>\n<h1>");
  out.append(reason_phrase(answer.status)).append("</h1>\n<p>");
  write_text(answer.message, Form::html, out);
  out.append("</p>\n<p><code>");
  out.append(text_of(answer.reason).token);
  if (!answer.request_id.empty()) {
    out.append("<br>");
    write_text(answer.request_id, Form::html, out);
  }
  out.append("</code></p>\n</body>\n</html>\n");
}

void write_body(const OwnAnswer& answer, Form form, std::string& out) {
  switch (form) {
    case Form::plain:
      write_text(answer.message, form, out);
      if (!answer.message.empty()) out.append("\n");
      return;
    case Form::html:
      if (answer.page.empty()) {
        write_html(answer, out);
      } else {
        out.append(answer.page);
      }
      return;
    case Form::json:
      out.append(R"({"error":")");
      out.append(text_of(answer.reason).token);
      out.append(R"(","message":")");
      write_text(answer.message, form, out);
      if (!answer.request_id.empty()) {
        out.append(R"(","request_id":")");
        write_text(answer.request_id, form, out);
      }
      out.append("\"}\n");
      return;
  }
}

void write_head(const OwnAnswer& answer, std::string& out) {
  out.append("HTTP/1.1 ");
  write_number(static_cast<std::uint64_t>(answer.status), out);
  out.append(" ").append(reason_phrase(answer.status)).append("\r\n");
  if (!answer.date.empty()) write_field("Date", answer.date, out);
  if (answer.reason != Reason::none) write_field("X-Gv-Error", text_of(answer.reason).token, out);
  out.append("Cache-Control: no-store\r\n");
  if (!answer.request_id.empty()) {
    out.append("X-Request-ID: ");
    write_text(answer.request_id, Form::plain, out);
    out.append("\r\n");
  }
  // A 405 must list what is allowed (RFC 9110 section 15.5.6), and so does an answer to OPTIONS (9.3.7); we
  // know only what we refuse.
  if (answer.status == 405 || answer.status == 200)
    write_field("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH", out);
  if (answer.retry_after > 0) write_field("Retry-After", answer.retry_after, out);
  write_field("Connection", answer.keep_alive ? "keep-alive" : "close", out);
}

}  // namespace

std::string_view answer_type(std::string_view accept) noexcept {
  switch (preferred(accept)) {
    case Form::plain: return {};
    case Form::html: return "text/html";
    case Form::json: return "application/json";
  }
  return {};
}

std::size_t write_own_answer(const OwnAnswer& answer, std::string& out) {
  const std::size_t before = out.size();
  const Form form = answer.message.empty() ? Form::plain : preferred(answer.accept);
  std::string body;
  write_body(answer, form, body);
  write_head(answer, out);
  write_field("Content-Type", content_type(form), out);
  write_field("Content-Length", body.size(), out);
  out.append("\r\n");
  const std::size_t head = out.size() - before;
  if (!answer.head_request) out.append(body);
  return head;
}

}  // namespace gracevisor::http
