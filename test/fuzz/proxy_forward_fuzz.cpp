// Whole messages on their way through an intermediary: a head that is accepted is written for the next hop,
// its body relayed. The first bytes choose the direction and how the body is cut; the rest is the message.
// Oracles: however the body is cut, the same content goes out; what goes out, read by the same reader and by
// a strict one of the tests' own, means the same and is whole exactly if the message was; nothing of one
// hop's is in it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/body.h"
#include "http/forward.h"
#include "http/head.h"
#include "proxy/body_relay.h"
#include "proxy/content_reader.h"
#include "support/wire.h"

namespace {

using namespace gracevisor;        // NOLINT(google-build-using-namespace): one program, one subject
using namespace gracevisor::http;  // NOLINT(google-build-using-namespace)
using State = BodyReader::State;

// Forwarding adds fields, and a chunk may grow by its line.
constexpr HeadLimits kOutLimits{.target = 16384, .head = 65536, .fields = 120, .field = 32768};

void require(bool condition) {
  if (!condition) std::abort();
}

struct Relayed {
  State state = State::reading;
  std::size_t taken = 0;
  std::string out;
};

// Gives `bytes` to `take(rest)`, which returns how many it took, while `from` reads. `seed` 0: in one piece.
template <class From, class Take>
void feed(const From& from, std::string_view bytes, std::uint32_t seed, Relayed& relayed, const Take& take) {
  while (!bytes.empty() && from.reading()) {
    std::size_t size = bytes.size();
    if (seed != 0) {
      seed = seed * 1664525U + 1013904223U;
      size = std::min<std::size_t>(size, 1 + (seed >> 24U) % 11);
      seed |= 1U;
    }
    const std::string piece(bytes.substr(0, size));
    std::string_view rest(piece);
    while (!rest.empty() && from.reading()) {
      const std::size_t taken = take(rest);
      require(taken <= rest.size());
      relayed.taken += taken;
      rest.remove_prefix(taken);
    }
    bytes.remove_prefix(size);
  }
}

void append(const proxy::Pieces& pieces, std::string& out) {
  for (std::string_view slice : pieces.slices()) out += slice;
}

// A request's content, as it goes to the app.
Relayed relay(const Framing& framing, std::string_view bytes, std::uint32_t seed) {
  proxy::BodyRelay body;
  body.start(framing, framing);
  Relayed relayed;
  feed(body, bytes, seed, relayed, [&](std::string_view rest) {
    proxy::Pieces pieces;
    const std::size_t taken = body.next(rest, pieces);
    append(pieces, relayed.out);
    return taken;
  });
  relayed.state = body.state();
  return relayed;
}

// A response's content, as it goes to the client; the app's connection ends behind these bytes.
Relayed respond(const Framing& from, const Framing& to, std::string_view bytes, std::uint32_t seed) {
  proxy::ContentReader reader;
  reader.start(from, {});
  Relayed relayed;
  const auto write = [&](const proxy::Pieces& content) {
    if (to.kind != Framing::Kind::chunked) return append(content, relayed.out);
    const http::ChunkLine line(content.bytes());
    proxy::Pieces framed;
    proxy::add_chunked(reader.of(content), line, framed);
    append(framed, relayed.out);
  };
  feed(reader, bytes, seed, relayed, [&](std::string_view rest) {
    proxy::Pieces content;
    const std::size_t taken = reader.next(rest, content);
    write(content);
    return taken;
  });
  if (reader.reading()) {
    reader.end_of_input();
    if (reader.finished()) write({});
  }
  relayed.state = reader.state();
  return relayed;
}

// The content, read by the reader that the relay uses too, but without writing.
std::string content_of(const Framing& framing, std::string_view bytes) {
  BodyReader reader;
  reader.start(framing, UINT64_MAX);
  std::string content;
  while (!bytes.empty() && reader.state() == State::reading) {
    const BodyReader::Step step = reader.next(bytes);
    content += step.payload;
    bytes.remove_prefix(step.consumed);
    if (step.consumed == 0) break;
  }
  return content;
}

void check_hop_fields(const Fields& fields) {
  for (const Field& field : fields) {
    require(field.name != FieldName::keep_alive && field.name != FieldName::proxy_connection);
    require(field.name != FieldName::proxy_authenticate && field.name != FieldName::proxy_authorization);
    require(field.name != FieldName::te || equals_ignoring_case(field.value, "trailers"));
  }
}

void fuzz_request(const std::string& bytes, std::uint32_t seed, bool trusted) {
  HeadReader reader;
  RequestHead head;
  const HeadResult result = reader.read_request(bytes, HeadLimits{}, head);
  if (result.state != HeadState::complete) return;
  const std::string_view body = std::string_view(bytes).substr(result.size);
  const bool none = head.body.kind == Framing::Kind::none;

  std::string out;
  write_request_head(head, {.client = "10.0.0.9", .trusted = trusted}, out);
  if (head.authority.empty()) {  // HTTP/1.0 without Host: the one thing that we would not accept ourselves
    const std::size_t at = out.find("Host: \r\n");
    require(at != std::string::npos);
    out.insert(at + 6, "x");
  }
  const std::size_t head_size = out.size();
  const Relayed whole = relay(head.body, body, 0);
  const Relayed pieces = relay(head.body, body, seed);
  require(whole.state == pieces.state && whole.taken == pieces.taken);
  require(content_of(head.body, whole.out) == content_of(head.body, pieces.out));
  out += pieces.out;

  RequestHead again;
  const HeadResult reread = reader.read_request(out, kOutLimits, again);
  if (reread.state == HeadState::refused && reread.refusal.reason == Reason::loop) return;
  require(reread.state == HeadState::complete && reread.size == head_size);
  require(again.method == head.method && again.method_text == head.method_text && again.path == head.path);
  require(head.authority.empty() || again.host == head.host);
  require(again.body.kind == head.body.kind && again.body.length == head.body.length);
  check_hop_fields(again.fields);

  const test::Wire wire = test::read_requests(out);
  require(wire.problem.empty() && wire.messages.size() == 1);
  require(wire.messages[0].whole == (none || whole.state == State::finished));
  require(wire.messages[0].content == content_of(head.body, body));
  require(wire.messages[0].count("Host") == 1);
}

void fuzz_response(const std::string& bytes, std::uint32_t seed, Method method, const ResponseForward& how) {
  HeadReader reader;
  ResponseHead head;
  const HeadResult result = reader.read_response(bytes, HeadLimits{}, method, head);
  if (result.state != HeadState::complete) return;
  const std::string_view body = std::string_view(bytes).substr(result.size);
  std::string out;
  if (head.interim()) {
    write_interim_head(head, out);
    const test::Wire wire = test::read_responses(out, test::End::open);
    require(wire.problem.empty() && wire.messages.size() == 1 && wire.messages[0].whole && wire.rest.empty());
    return;
  }
  const ResponsePlan plan = plan_response(head, how);
  write_response_head(head, plan, how, out);
  const std::size_t head_size = out.size();
  const Relayed whole = respond(head.body, plan.framing, body, 0);
  const Relayed pieces = respond(head.body, plan.framing, body, seed);
  require(whole.state == pieces.state && whole.taken == pieces.taken);
  out += pieces.out;

  ResponseHead again;
  const HeadResult reread = reader.read_response(out, kOutLimits, method, again);
  require(reread.state == HeadState::complete && reread.size == head_size);
  require(again.status == head.status && again.reason == head.reason);
  require(again.body.kind == plan.framing.kind && again.body.length == plan.framing.length);
  check_hop_fields(again.fields);

  const bool none = head.body.kind == Framing::Kind::none;
  const bool finished = none || whole.state == State::finished;
  // One that is not finished is cut with a reset.
  const test::Wire wire =
      test::read_responses(out, finished ? test::End::finished : test::End::reset, {method == Method::head});
  require(wire.problem.empty() && wire.messages.size() == 1);
  require(wire.messages[0].whole == finished);
  require(wire.messages[0].content == content_of(head.body, body));
  require(wire.messages[0].status() == head.status);
  require(none || plan.framing.kind != Framing::Kind::until_close || !plan.keep_alive);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned choice = data[0];
  const std::uint32_t seed = data[1] + 1U;
  const std::string bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  if ((choice & 1U) == 0) {
    fuzz_request(bytes, seed, (choice & 2U) != 0);
  } else {
    fuzz_response(
        bytes, seed, (choice & 2U) == 0 ? Method::get : Method::head,
        {.client_minor = (choice & 4U) == 0 ? 1 : 0, .client_keep_alive = (choice & 8U) == 0, .date = "D"});
  }
  return 0;
}
