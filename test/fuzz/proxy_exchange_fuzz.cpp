// The whole data path under a script of events: bytes, ends and resets of clients and instances, slow
// readers, tables in which targets come, leave and are closed, time that passes. Oracles: nothing crashes;
// once everybody only finishes, every connection ends, no lease and no handle is left; what a client got is a
// sequence of well-formed responses; and each that looks whole was sent whole by an instance, in answer to
// that very request, or is an answer of our own.
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exchange_script.h"
#include "http/body.h"
#include "http/head.h"
#include "support/wire.h"

namespace {

using namespace gracevisor;  // NOLINT(google-build-using-namespace): one program, one subject
using fuzz::ExchangeScript;

// A find tells what everybody said.
void require(bool condition, const char* about, ExchangeScript& script, const std::string& detail = {}) {
  if (condition) return;
  (void)std::fprintf(stderr, "%s\nviolated: %s: %s\n", script.transcript().c_str(), about, detail.c_str());
  std::abort();
}

struct Asked {
  http::Method method;
  std::string target;
};

// Takes the content off the front; false when it is not whole. Without `ended` the connection is still open.
bool take_body(const http::Framing& framing, std::string_view& bytes, std::string* content, bool ended) {
  http::BodyReader body;
  body.start(framing, UINT64_MAX);
  while (body.state() == http::BodyReader::State::reading && !bytes.empty()) {
    const auto step = body.next(bytes);
    if (content != nullptr) content->append(step.payload);
    bytes.remove_prefix(step.consumed);
  }
  if (ended) body.end_of_input();
  return framing.kind == http::Framing::Kind::none || body.state() == http::BodyReader::State::finished;
}

// The requests that a client sent, as far as they are accepted.
std::vector<Asked> requests_in(std::string_view bytes) {
  std::vector<Asked> asked;
  http::HeadReader reader;
  http::RequestHead head;
  for (;;) {
    const auto result = reader.read_request(bytes, {}, head);
    if (result.state != http::HeadState::complete) return asked;
    asked.push_back({head.method, (head.target.starts_with('?') ? "/" : "") + std::string(head.target)});
    bytes.remove_prefix(result.size);
    if (!take_body(head.body, bytes, nullptr, false)) return asked;
  }
}

using Said = std::set<std::pair<int, std::string>>;  // status and content of whole responses

void collect(ExchangeScript& script, std::size_t app, Said& said) {
  const auto requests = test::read_requests(script.rig().app(app)->received()).messages;
  std::string_view bytes = script.apps()[app].sent;
  http::HeadReader reader;
  http::ResponseHead head;
  for (std::size_t i = 0;;) {
    const bool to_head = i < requests.size() && requests[i].start.starts_with("HEAD ");
    const auto result =
        reader.read_response(bytes, {}, to_head ? http::Method::head : http::Method::get, head);
    if (result.state != http::HeadState::complete) return;
    bytes.remove_prefix(result.size);
    if (head.interim()) continue;
    ++i;
    const int status = head.status;
    const http::Framing framing = head.body;
    std::string content;
    if (!take_body(framing, bytes, &content, script.apps()[app].finished)) return;
    said.emplace(status, content);
  }
}

void check_client(ExchangeScript& script, const ExchangeScript::Client& client, const Said& said) {
  const std::vector<Asked> asked = requests_in(client.sent);
  std::vector<bool> to_head;
  for (const Asked& request : asked) to_head.push_back(request.method == http::Method::head);
  const test::End end = client.end->end();
  const test::Wire wire = test::read_responses(client.end->received(), end, to_head);
  std::size_t finals = 0;
  for (const test::WireMessage& message : wire.messages) {
    if (message.status() == 101) return;  // what follows is no HTTP
    if (message.interim()) continue;
    const std::size_t at = finals++;
    if (!message.token().empty() || !message.whole) continue;
    require(at < asked.size(), "a response that nobody asked for", script);
    if (asked[at].method == http::Method::options) continue;  // may be answered by us
    // On a Unix socket a cut looks like an end.
    if (message.ends_with_close && !script.tells_cuts()) continue;
    require(said.contains({message.status(), message.content}), "a response that no instance completed",
            script, message.start);
    const bool echo = script.echoes().contains(message.content);
    require(!echo || message.content == "echo " + asked[at].target, "the response to another request", script,
            message.content + " for " + asked[at].target);
  }
  require(wire.problem.empty(), "a malformed response", script, wire.problem);
  require(finals <= asked.size() + 1, "more responses than requests", script);
  const bool cut_off = end != test::End::finished || !script.tells_cuts();
  // An answer that came before its request (408) has a body even if that turns out to be a HEAD.
  const bool own = !wire.messages.empty() && !wire.messages.back().token().empty();
  require(wire.rest.empty() || cut_off || own, "bytes that are no response", script,
          wire.rest.substr(0, 200));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  ExchangeScript script(data, size);
  script.play();
  require(script.bring_to_an_end(), "a connection or a lease that never ends", script);
  const std::string finished = script.rig().finish();
  require(finished.empty(), "an unclean end", script, finished);
  Said said;
  for (std::size_t i = 0; i < script.apps().size(); ++i) collect(script, i, said);
  for (const auto& client : script.clients()) check_client(script, client, said);
  return 0;
}
