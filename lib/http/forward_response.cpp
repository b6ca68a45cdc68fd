#include "http/characters.h"
#include "http/connection.h"
#include "http/forward.h"
#include "http/write.h"

namespace gracevisor::http {

namespace {

constexpr std::size_t kAddedToResponse = 256;
constexpr int kUpgradeRequired = 426;

void write_start(const ResponseHead& head, HeadText& out) {
  out.append("HTTP/1.1 ");
  write_number(static_cast<std::uint64_t>(head.status), out);
  out.append(" ").append(head.reason).append("\r\n");
}

// The app's fields except those that end here; true if Date is among them.
bool write_fields(const ResponseHead& head, const FieldEdits& edits, HeadText& out) {
  const bool edited = !edits.empty();
  bool date = false;
  FieldCopy copy(out);
  for (const Field& field : head.fields) {
    if (ends_at_every_hop(field.name)) continue;
    if (head.nominates && nominated_away(head.fields, field)) continue;
    if (edited && edits.touch(field.text)) continue;
    date = date || field.name == FieldName::date;
    if (field.name == FieldName::x_gv_error) {
      constexpr std::string_view kTheApps = "X-Gv-App-Error";
      if (!edited || !edits.touch(kTheApps)) copy.add_as(kTheApps, field);
      continue;
    }
    copy.add(field);
  }
  return date;
}

// A response without a body may still say how long one would be: to HEAD, in 304, and a length of 0. In 204
// it must not (RFC 9110 section 8.6, RFC 9112 section 6.1).
void write_bodiless_framing(const ResponseHead& head, int client_minor, HeadText& out) {
  if (head.status == 204) return;
  for (const Field& field : head.fields) {
    if (field.name == FieldName::content_length) write_field("Content-Length", field.value, out);
    if (field.name == FieldName::transfer_encoding && client_minor == 1) {
      write_field("Transfer-Encoding", "chunked", out);
    }
  }
}

// A 426 must name the protocols it asks for (RFC 9110 section 15.5.22), except h2c, which does not pass here.
// False: there is none.
bool write_protocols(const ResponseHead& head, HeadText& out) {
  std::string_view separator = "Upgrade: ";
  for (const Field& field : head.fields) {
    if (field.name != FieldName::upgrade) continue;
    std::string_view rest = field.value;
    for (std::string_view member = next_member(rest); !member.empty(); member = next_member(rest)) {
      if (names_h2c(member)) continue;
      out.append(separator).append(member);
      separator = ", ";
    }
  }
  if (separator == ", ") out.append("\r\n");
  return separator == ", ";
}

// What this hop says about its connection (RFC 9110 sections 7.6.1 and 7.8).
void write_connection(const ResponseHead& head, const ResponsePlan& plan, int client_minor, HeadText& out) {
  const bool upgrade = head.status == kUpgradeRequired && write_protocols(head, out);
  std::string_view option = client_minor == 0 ? "keep-alive" : "";
  if (!plan.keep_alive) option = "close";
  if (!upgrade && option.empty()) return;
  out.append("Connection: ").append(option);
  if (upgrade) out.append(option.empty() ? "" : ", ").append("Upgrade");
  out.append("\r\n");
}

void write_final(const ResponseHead& head, const ResponsePlan& plan, const ResponseForward& how,
                 HeadText& out) {
  write_start(head, out);
  const bool dated = write_fields(head, how.edits, out);
  if (!dated && !how.date.empty() && (how.edits.empty() || !how.edits.touch("Date"))) {
    write_field("Date", how.date, out);
  }
  for (const auto& [name, value] : how.edits.set) write_field(name, value, out);
  switch (plan.framing.kind) {
    case Framing::Kind::none: write_bodiless_framing(head, how.client_minor, out); break;
    case Framing::Kind::length: write_field("Content-Length", plan.framing.length, out); break;
    case Framing::Kind::chunked: write_field("Transfer-Encoding", "chunked", out); break;
    case Framing::Kind::until_close: break;  // the end of the connection marks the end
  }
  write_connection(head, plan, how.client_minor, out);
  out.append("\r\n");
}

void write_interim(const ResponseHead& head, HeadText& out) {
  write_start(head, out);
  (void)write_fields(head, {}, out);
  if (!head.upgrade.empty()) {
    write_field("Connection", "Upgrade", out);
    write_field("Upgrade", head.upgrade, out);
  }
  out.append("\r\n");
}

}  // namespace

ResponsePlan plan_response(const ResponseHead& head, const ResponseForward& how) {
  ResponsePlan plan{.framing = head.body, .keep_alive = how.client_keep_alive};
  const bool open_ended =
      head.body.kind == Framing::Kind::until_close || head.body.kind == Framing::Kind::chunked;
  if (open_ended && how.client_minor == 0) {
    plan.framing = {.kind = Framing::Kind::until_close, .length = 0};
    plan.keep_alive = false;
  } else if (open_ended) {
    plan.framing = {.kind = Framing::Kind::chunked, .length = 0};
  }
  return plan;
}

void write_response_head(const ResponseHead& head, const ResponsePlan& plan, const ResponseForward& how,
                         std::string& out) {
  const std::size_t room = size_of(head.fields) + head.reason.size() + size_of(how.edits) + kAddedToResponse;
  append_head(out, room, [&](HeadText& text) { write_final(head, plan, how, text); });
}

void write_interim_head(const ResponseHead& head, std::string& out) {
  const std::size_t room = size_of(head.fields) + head.upgrade.size() + head.reason.size() + kAddedToResponse;
  append_head(out, room, [&](HeadText& text) { write_interim(head, text); });
}

}  // namespace gracevisor::http
