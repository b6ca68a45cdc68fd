// The control API. The first byte chooses: a JSON message, read and written again; a target; or a connection,
// whose bytes arrive in pieces while the handler answers at once, later, in lines or never. Oracles: what was
// read, written and read again is the same; what a connection answers is well-formed, as many answers as
// requests and refusals; in the end no handle is left.
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "control/answers.h"
#include "control/caller.h"
#include "control/messages.h"
#include "control/target.h"
#include "support/loop/quiet.h"
#include "support/raw_end.h"
#include "support/wire.h"

namespace {

using namespace gracevisor;  // NOLINT(google-build-using-namespace): one program, one subject

void require(bool condition, std::source_location where = std::source_location::current()) {
  if (condition) return;
  (void)std::fprintf(stderr, "violated: line %u\n", static_cast<unsigned>(where.line()));
  std::abort();
}

template <class Read>
void fuzz_message(std::string_view json, Read read) {
  const auto message = read(json);
  if (!message) {
    require(!message.error().what.empty());
    return;
  }
  const std::string written = control::to_json(*message);
  require(written.find('\n') == std::string::npos);
  const auto again = read(written);
  require(again.has_value());
  require(control::to_json(*again) == written);
}

void fuzz_messages(unsigned kind, std::string_view json) {
  switch (kind % 8) {
    case 0: fuzz_message(json, control::read_version); break;
    case 1: fuzz_message(json, control::read_status); break;
    case 2: fuzz_message(json, control::read_history); break;
    case 3: fuzz_message(json, control::read_report_line); break;
    case 4: fuzz_message(json, control::read_log_line); break;
    case 5: fuzz_message(json, control::read_stop_options); break;
    case 6: require(!control::to_json(control::read_error(503, json)).empty()); break;
    default: fuzz_message(json, control::read_upgrade_options);
  }
}

void fuzz_target(std::string_view text) {
  const auto target = control::parse_target(text);
  if (!target) return;
  require(target->path.starts_with('/') && target->path.find('\0') == std::string::npos);
  std::string again;
  for (const char c : target->path) again += c == '/' ? "/" : control::escape({&c, 1});
  char separator = '?';
  for (const auto& [name, value] : target->query) {
    again += std::exchange(separator, '&') + control::escape(name) + "=" + control::escape(value);
  }
  const auto reread = control::parse_target(again);
  require(reread && reread->path == target->path && reread->query == target->query);
}

class Desk final : public control::Caller::Owner {
 public:
  explicit Desk(std::uint8_t how) : how_(how) {}
  void on_request(const control::Request& request, std::shared_ptr<serve::Response> response) override {
    ++requests;
    require(request.peer.role != control::Role::none && request.path.starts_with('/'));
    how_ = static_cast<std::uint8_t>((how_ >> 2U) | (how_ << 6U));
    switch (how_ & 3U) {
      case 0: control::send_json(*response, "{}"); return;
      case 1: control::send_error(*response, {"no", control::ExitCode::failed, {}}); return;
      case 2:
        if (!response->follow())
          return control::send_error(*response, {"too many", control::ExitCode::busy, {}});
        control::begin_lines(*response);
        control::send_line(*response, R"({"a":1})");
        streams.push_back(std::move(response));
        return;
      default: waiting.push_back(std::move(response));
    }
  }
  // What was not answered at once.
  void answer() {
    for (auto& response : std::exchange(waiting, {})) control::send_json(*response, R"({"late":true})");
    for (auto& response : std::exchange(streams, {})) {
      control::send_line(*response, R"({"b":2})");
      // Every other one is cut.
      if (++ended % 2 == 0) response->end();
    }
  }
  void on_closed(control::Caller& /*caller*/) override { closed = true; }
  // Whether there is room for it is the input's choice as well.
  [[nodiscard]] bool on_follow(const control::Caller& /*caller*/) override { return (how_ & 4U) == 0; }

  std::vector<std::shared_ptr<serve::Response>> waiting, streams;
  std::size_t requests = 0;
  std::size_t ended = 0;
  bool closed = false;

 private:
  std::uint8_t how_;
};

void settle(loop::Loop& loop, test::RawEnd& client) {
  for (int calm = 0; calm < 2;) {
    const bool moved = client.pump();
    loop.run_once(false);
    calm = moved || test::has_work(loop) ? 0 : calm + 1;
  }
}

void fuzz_connection(std::string_view bytes, std::uint8_t how, std::size_t piece) {
  auto created = loop::Loop::create();
  require(created.has_value());
  loop::Loop& loop = **created;
  int ends[2];
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  test::RawEnd client{base::UniqueFd(ends[0])};
  Desk desk(how);
  http::HeadReader heads;
  {
    loop::Deadlines deadlines(loop);
    control::Caller caller(desk, deadlines, heads, {.role = control::Role::admin});
    require(caller.start(loop, base::UniqueFd(ends[1])).has_value());
    while (!bytes.empty()) {
      client.send(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
      settle(loop, client);
      desk.answer();
      settle(loop, client);
    }
    client.finish_writing();
    settle(loop, client);
    const bool in_time = desk.closed || client.end() == test::End::finished;
    require(in_time);
    caller.notify_gone();
  }
  desk.answer();
  require(loop.close() == 0);
  const test::Wire wire = test::read_responses(client.received(), client.end());
  require(wire.problem.empty() && wire.rest.empty());
  std::size_t finals = 0;
  for (const test::WireMessage& message : wire.messages) finals += message.interim() ? 0 : 1;
  require(finals <= desk.requests + 1);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data + 3), size - 3);
  switch (data[0] % 3) {
    case 0: fuzz_messages(data[1], bytes); break;
    case 1: fuzz_target(bytes); break;
    default: fuzz_connection(bytes, data[1], std::max<std::size_t>(1, data[2]));
  }
  return 0;
}
