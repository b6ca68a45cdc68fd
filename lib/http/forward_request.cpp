#include <algorithm>
#include <array>

#include "http/connection.h"
#include "http/forward.h"
#include "http/write.h"

namespace gracevisor::http {

namespace {

// Usually more than the line's tail, Via and forwarding fields need.
constexpr std::size_t kAddedToRequest = 512;

bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() && equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

// "-" and "_" are the same to CGI, WSGI and Rack: a name with "_" could pose as a field that we removed.
bool passes_unknown(const Field& field, const RequestForward& how) noexcept {
  if (!how.keep_underscores && field.text.find('_') != std::string_view::npos) return false;
  if (field.text.front() != 'x' && field.text.front() != 'X') return true;
  return !has_prefix(field.text, "x-gv-") && (how.trusted || !has_prefix(field.text, "x-forwarded-"));
}

// Is the field forwarded unchanged? Those that we rewrite are not.
bool passes(const Field& field, const RequestHead& head, const RequestForward& how) noexcept {
  switch (field.name) {
    case FieldName::other: return passes_unknown(field, how);
    case FieldName::forwarded:
    case FieldName::x_forwarded_host:
    case FieldName::x_forwarded_proto:
    case FieldName::x_real_ip: return how.trusted;
    case FieldName::x_request_id: return how.request_id.empty();
    case FieldName::host:
    case FieldName::x_forwarded_for:
    case FieldName::x_gv_error: return false;
    case FieldName::expect: return how.expect && head.expects_continue;
    case FieldName::max_forwards: return !head.max_forwards;
    case FieldName::accept:
    case FieldName::connection:
    case FieldName::content_length:
    case FieldName::content_type:
    case FieldName::cookie:
    case FieldName::date:
    case FieldName::idempotency_key:
    case FieldName::keep_alive:
    case FieldName::proxy_authenticate:
    case FieldName::proxy_authorization:
    case FieldName::proxy_connection:
    case FieldName::retry_after:
    case FieldName::te:
    case FieldName::trailer:
    case FieldName::transfer_encoding:
    case FieldName::upgrade:
    case FieldName::via: return !ends_at_every_hop(field.name);
  }
  return false;
}

void write_start(const RequestHead& head, const RequestForward& how, HeadText& out) {
  const std::string_view target = head.target.substr(std::min(how.strip, head.path.size()));
  out.append(head.method_text).append(" ");
  // absolute-form without a path, or nothing left after stripping
  if (target.empty() || target.starts_with('?')) out.append("/");
  out.append(target).append(" HTTP/1.1\r\n");
  write_field("Host", head.authority, out);
}

// What this hop says about its connection (RFC 9110 sections 7.6.1, 7.8 and 10.1.4).
void write_connection(const RequestHead& head, const RequestForward& how, HeadText& out) {
  std::string_view separator = "Connection: ";
  const auto add = [&separator, &out](std::string_view option) {
    out.append(separator).append(option);
    separator = ", ";
  };
  // An upgrade requires a connection that stays open.
  if (!how.keep_alive && head.upgrade.empty()) add("close");
  const bool trailers = head.takes_trailers && how.trailers;
  if (trailers) add("TE");
  if (!head.upgrade.empty()) add("Upgrade");
  if (separator == ", ") out.append("\r\n");
  if (trailers) write_field("TE", "trailers", out);
  if (!head.upgrade.empty()) write_field("Upgrade", head.upgrade, out);
}

// A length of 16 MiB is shorter.
constexpr std::string_view kChunkedField = "Transfer-Encoding: chunked\r\n";

void write_framing(const RequestHead& head, HeadText& out) {
  switch (head.body.kind) {
    case Framing::Kind::none:
      for (const Field& field : head.fields) {
        if (field.name == FieldName::content_length) write_field("Content-Length", std::uint64_t{0}, out);
      }
      return;
    case Framing::Kind::length: write_field("Content-Length", head.body.length, out); return;
    case Framing::Kind::chunked: out.append(kChunkedField); return;
    case Framing::Kind::until_close: return;  // no request ends this way
  }
}

// The client's address after what a trusted proxy sent; always one line.
void write_forwarded_for(const RequestHead& head, const RequestForward& how, HeadText& out) {
  std::string_view separator = "X-Forwarded-For: ";
  const auto add = [&separator, &out](std::string_view addresses) {
    if (addresses.empty()) return;
    out.append(separator).append(addresses);
    separator = ", ";
  };
  for (const Field& field : head.fields) {
    if (how.trusted && field.name == FieldName::x_forwarded_for) add(field.value);
  }
  add(how.client);
  if (separator == ", ") out.append("\r\n");
}

// Returns the offset of its framing field.
std::size_t write_head(const RequestHead& head, const RequestForward& how, HeadText& out) {
  write_start(head, how, out);
  const bool edited = !how.edits.empty();
  const auto ours = [&](std::string_view name) { return !edited || !how.edits.touch(name); };
  bool proto = !ours("X-Forwarded-Proto");
  bool host = head.authority.empty() || !ours("X-Forwarded-Host");
  {
    FieldCopy copy(out);
    for (const Field& field : head.fields) {
      if (!passes(field, head, how)) continue;
      if (head.nominates && nominated_away(head.fields, field)) continue;
      if (edited && how.edits.touch(field.text)) continue;
      proto = proto || field.name == FieldName::x_forwarded_proto;
      host = host || field.name == FieldName::x_forwarded_host;
      copy.add(field);
    }
  }
  const std::size_t framing = out.size();
  write_framing(head, out);
  if (head.max_forwards && ours("Max-Forwards")) {
    write_field("Max-Forwards", std::max<std::uint64_t>(*head.max_forwards, 1) - 1, out);
  }
  if (how.via && ours("Via")) write_field("Via", head.minor == 1 ? "1.1 gracevisor" : "1.0 gracevisor", out);
  if (ours("X-Forwarded-For")) write_forwarded_for(head, how, out);
  if (!proto) write_field("X-Forwarded-Proto", how.proto, out);
  if (!host) write_field("X-Forwarded-Host", head.authority, out);
  if (!how.request_id.empty() && ours("X-Request-ID")) write_field("X-Request-ID", how.request_id, out);
  for (const auto& [name, value] : how.edits.set) write_field(name, value, out);
  write_connection(head, how, out);
  out.append("\r\n");
  return framing;
}

}  // namespace

std::size_t write_request_head(const RequestHead& head, const RequestForward& how, std::string& out) {
  const std::size_t before = out.size();
  std::size_t framing = 0;
  const std::size_t room = size_of(head.fields) + head.method_text.size() + head.target.size() +
                           2 * head.authority.size() + size_of(how.edits) + kAddedToRequest;
  append_head(out, room, [&](HeadText& text) { framing = write_head(head, how, text); });
  return before + framing;
}

void tell_length(std::string& head, std::size_t framing, std::uint64_t length) {
  std::array<char, 64> field;
  HeadText text(field.data(), field.size());
  write_field("Content-Length", length, text);
  head.replace(framing, kChunkedField.size(), field.data(), text.size());
}

}  // namespace gracevisor::http
