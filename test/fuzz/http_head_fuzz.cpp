// Heads of requests and responses. The first byte chooses which, and how they are forwarded. Oracles: a head
// that arrives byte by byte gives the same result as one that arrives whole; what is found in one pass is
// what is found in two; with what llhttp gets a stand-in for and without, it is delimited in the same way;
// what is written for the next hop is accepted by the same reader and means the same; nothing of one hop's is
// in it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/forward.h"
#include "http/head.h"
#include "http/head_check.h"
#include "support/stand_ins.h"

namespace {

using namespace gracevisor::http;  // NOLINT(google-build-using-namespace): one program, one subject

constexpr HeadLimits kLimits{.target = 256, .head = 2048, .fields = 20, .field = 512};
constexpr HeadLimits kOutLimits{.target = 1024, .head = 16384, .fields = 60, .field = 8192};

HeadLimits limits_of(unsigned choice) {
  HeadLimits limits = kLimits;
  limits.targets_as_sent = (choice & 16U) == 0;
  return limits;
}

void require(bool condition) {
  if (!condition) std::abort();
}

bool same(const HeadResult& a, const HeadResult& b) {
  return a.state == b.state && a.size == b.size && a.refusal.reason == b.refusal.reason &&
         (a.state != HeadState::refused || a.refusal.status == b.refusal.status);
}

template <class Read>
void check_pieces(std::string_view bytes, const HeadResult& whole, Read read) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string piece(bytes.substr(0, size));
    const HeadResult result = read(std::string_view(piece));
    if (result.state == HeadState::incomplete) continue;
    require(same(result, whole));
    return;
  }
}

void check_plain(std::string_view bytes, MessageKind kind, const HeadLimits& limits) {
  const FoundHead plain = find_plain_head(bytes, kind, limits);
  if (plain.state == HeadState::incomplete) return;
  const FoundHead found = find_head(bytes, kind, limits);
  require(plain.state == HeadState::complete && found.state == HeadState::complete);
  require(plain.begin == found.begin && plain.end == found.end && plain.fields == found.fields);
  const std::string_view head = bytes.substr(0, plain.end);
  const auto checked =
      kind == MessageKind::request ? check_request_head(head, limits) : check_response_head(head);
  require(checked.has_value() && *checked == plain.stand_ins);
}

void check_stand_ins(std::string_view head, const RequestHead& read) {
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  HeadReader reader;
  const auto same_body = [&](const std::string& form) {
    RequestHead other;
    require(reader.read_request(form, kOutLimits, other).state == HeadState::complete);
    require(other.body.kind == read.body.kind && other.body.length == read.body.length);
    require(other.keep_alive == read.keep_alive && other.fields.size() == read.fields.size());
    require(other.method == read.method || other.method == Method::other || read.method == Method::other);
  };
  same_body(gracevisor::test::plain_request(head));
  const bool path = gracevisor::test::request_target(head).starts_with('/');
  if (path && read.method != Method::options) same_body(gracevisor::test::odd_request(head));
}

void check_stand_ins(std::string_view head, Method method, const ResponseHead& read) {
  HeadReader reader;
  const auto same_body = [&](const std::string& form) {
    ResponseHead other;
    require(reader.read_response(form, kOutLimits, method, other).state == HeadState::complete);
    require(other.body.kind == read.body.kind && other.body.length == read.body.length);
    require(other.fields.size() == read.fields.size() && !(other.repaired && other.keep_alive));
  };
  same_body(gracevisor::test::plain_response(head));
  require(!read.repaired || (!read.keep_alive && !read.interim()));
  if (!read.repaired && !read.interim()) same_body(gracevisor::test::odd_response(head));
}

std::string_view find(const Fields& fields, FieldName name) {
  for (const Field& field : fields) {
    if (field.name == name) return field.value;
  }
  return {};
}

std::size_t count(const Fields& fields, FieldName name) {
  std::size_t found = 0;
  for (const Field& field : fields) found += field.name == name ? 1U : 0U;
  return found;
}

// Nothing of the hop before is left; what this hop says is what was asked for, named in Connection.
void check_hop_fields(const Fields& fields, bool trailers, std::string_view upgrade) {
  for (const FieldName name :
       {FieldName::keep_alive, FieldName::proxy_authenticate, FieldName::proxy_authorization,
        FieldName::proxy_connection, FieldName::trailer}) {
    require(count(fields, name) == 0);
  }
  require(count(fields, FieldName::te) == (trailers ? 1U : 0U));
  require(find(fields, FieldName::te) == (trailers ? "trailers" : ""));
  require(count(fields, FieldName::upgrade) == (upgrade.empty() ? 0U : 1U));
  require(find(fields, FieldName::upgrade) == upgrade);
  require(!list_has(upgrade, "h2c"));
  const std::string_view connection = find(fields, FieldName::connection);
  require(count(fields, FieldName::connection) <= 1);
  require(list_has(connection, "TE") == trailers && list_has(connection, "Upgrade") == !upgrade.empty());
  if (trailers || !upgrade.empty()) return;
  require(connection.empty() || connection == "close" || connection == "keep-alive");
}

bool ours(const Field& field) {
  return field.text.size() > 5 && equals_ignoring_case(field.text.substr(0, 5), "x-gv-");
}

void check_slices(std::string_view bytes, const Fields& fields) {
  for (const Field& field : fields) {
    require(field.text.data() >= bytes.data() &&
            field.text.data() + field.text.size() < bytes.data() + bytes.size());
    require(!field.text.empty());
    require(field.value.empty() || (field.value.data() > field.text.data() &&
                                    field.value.data() + field.value.size() < bytes.data() + bytes.size()));
  }
}

void fuzz_request(const std::string& bytes, const RequestForward& how, const HeadLimits& limits) {
  HeadReader reader;
  RequestHead head;
  const HeadResult result = reader.read_request(bytes, limits, head, Look::first);
  check_plain(bytes, MessageKind::request, limits);
  RequestHead scratch;
  check_pieces(bytes, result,
               [&](std::string_view piece) { return reader.read_request(piece, limits, scratch); });
  if (result.state != HeadState::complete) return;
  require(result.size <= bytes.size());
  check_slices(bytes, head.fields);
  check_stand_ins(std::string_view(bytes).substr(0, result.size), head);

  std::string out;
  write_request_head(head, how, out);
  if (head.authority.empty()) {  // HTTP/1.0 without Host: the one thing that we would not accept ourselves
    const std::size_t at = out.find("Host: \r\n");
    require(at != std::string::npos);
    out.insert(at + 6, "x");
  }
  RequestHead again;
  const HeadResult reread = reader.read_request(out, kOutLimits, again);
  if (reread.state == HeadState::refused && reread.refusal.reason == Reason::loop) return;
  require(reread.state == HeadState::complete && reread.size == out.size());
  require(again.method == head.method && again.method_text == head.method_text);
  require(again.path == head.path && again.minor == 1);
  require(again.target == head.target || again.target == "/" + std::string(head.target));
  require(head.authority.empty() || (again.authority == head.authority && again.host == head.host));
  require(again.body.kind == head.body.kind && again.body.length == head.body.length);
  require(again.keep_alive == (how.keep_alive || !head.upgrade.empty()) && again.upgrade == head.upgrade);
  require(count(again.fields, FieldName::host) == 1);
  check_hop_fields(again.fields, head.takes_trailers, head.upgrade);
  for (const Field& field : again.fields)
    require(field.text.find('_') == std::string_view::npos && !ours(field));
  if (!how.trusted) {
    require(find(again.fields, FieldName::x_forwarded_for) == how.client);
    require(find(again.fields, FieldName::x_forwarded_proto) == how.proto);
    require(count(again.fields, FieldName::x_forwarded_proto) == 1 &&
            count(again.fields, FieldName::forwarded) == 0);
    require(count(again.fields, FieldName::x_forwarded_host) <= 1);
  }
  require(count(again.fields, FieldName::x_forwarded_for) <= 1);
}

void fuzz_response(const std::string& bytes, Method method, const ResponseForward& how) {
  HeadReader reader;
  ResponseHead head;
  const HeadResult result = reader.read_response(bytes, kLimits, method, head, Look::first);
  check_plain(bytes, MessageKind::response, kLimits);
  ResponseHead scratch;
  check_pieces(bytes, result,
               [&](std::string_view piece) { return reader.read_response(piece, kLimits, method, scratch); });
  if (result.state != HeadState::complete) return;
  require(result.size <= bytes.size());
  check_slices(bytes, head.fields);
  check_stand_ins(std::string_view(bytes).substr(0, result.size), method, head);

  std::string out;
  ResponsePlan plan;
  if (head.interim()) {
    write_interim_head(head, out);
  } else {
    plan = plan_response(head, how);
    write_response_head(head, plan, how, out);
  }
  ResponseHead again;
  const HeadResult reread = reader.read_response(out, kOutLimits, method, again);
  require(reread.state == HeadState::complete && reread.size == out.size());
  require(again.status == head.status && again.reason == head.reason && again.minor == 1);
  constexpr int kUpgradeRequired = 426;
  if (head.status != kUpgradeRequired) {
    check_hop_fields(again.fields, false, head.upgrade);
  } else {
    require(count(again.fields, FieldName::upgrade) <= 1 &&
            !list_has(find(again.fields, FieldName::upgrade), "h2c"));
    require(list_has(find(again.fields, FieldName::connection), "Upgrade") ==
            (count(again.fields, FieldName::upgrade) == 1));
  }
  require(count(again.fields, FieldName::x_gv_error) == 0 && !again.repaired);
  if (head.interim()) return;
  require(again.body.kind == plan.framing.kind && again.body.length == plan.framing.length);
  require(plan.framing.kind != Framing::Kind::until_close || !plan.keep_alive);
  require(plan.framing.kind == Framing::Kind::until_close || again.keep_alive == plan.keep_alive);
  require(count(again.fields, FieldName::date) >= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const unsigned choice = data[0];
  const std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if ((choice & 1U) == 0) {
    fuzz_request(bytes,
                 {.client = (choice & 8U) == 0 ? "10.0.0.9" : "",
                  .proto = "http",
                  .trusted = (choice & 2U) != 0,
                  .keep_alive = (choice & 4U) == 0},
                 limits_of(choice));
  } else {
    fuzz_response(
        bytes, (choice & 2U) == 0 ? Method::get : Method::head,
        {.client_minor = (choice & 4U) == 0 ? 1 : 0, .client_keep_alive = (choice & 8U) == 0, .date = "D"});
  }
  return 0;
}
