#include "control/caller.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <utility>

#include "control/answers.h"
#include "control/target.h"

namespace gracevisor::control {
namespace {

// control/server.h tells them.
constexpr serve::Limits kLimits{
    .head = {},
    .body = 1U << 20,
    .queued = 1U << 20,
    .at_once = 64U << 20,
    .request = base::Millis(10000),
    .linger = base::Millis(10000),
};

}  // namespace

Caller::Caller(Owner& owner, loop::Deadlines& deadlines, http::HeadReader& heads, const Peer& peer)
    : owner_(owner), connection_(static_cast<serve::ConnectionObserver&>(*this), deadlines, heads, kLimits) {
  request_.peer = peer;
}

base::Expected<void> Caller::start(loop::Loop& loop, base::UniqueFd socket) {
  return connection_.start(loop, std::move(socket), AF_UNIX);
}

std::optional<serve::Content> Caller::on_head(const http::RequestHead& head) {
  if (role() == Role::none) {
    return content_of(Error{fmt::format("user {} may not use the control socket", request_.peer.uid),
                            ExitCode::not_permitted,
                            {}});
  }
  if (head.method != http::Method::get && head.method != http::Method::post) {
    return content_of(Error{"the control API knows GET and POST", ExitCode::usage, {}}, 405);
  }
  auto target = parse_target(head.target);
  if (!target) return content_of(Error{"the request's target is malformed", ExitCode::usage, {}}, 400);
  request_.method = head.method;
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  return std::nullopt;
}

void Caller::on_request(std::string body, std::shared_ptr<serve::Response> response) {
  request_.body = std::move(body);
  response_ = response;
  owner_.on_request(request_, std::move(response));
}

serve::Content Caller::explain(const serve::Fault& fault) {
  using Kind = serve::Fault::Kind;
  const auto content = [&fault](std::string what, ExitCode exit) {
    return content_of(Error{std::move(what), exit, {}}, fault.status);
  };
  switch (fault.kind) {
    case Kind::bad_head:
      return content("the request is malformed: " + std::string(fault.token), ExitCode::usage);
    case Kind::bad_body: return content("the request's body is malformed", ExitCode::usage);
    case Kind::large_body: return content("the request's body is longer than 1 MiB", ExitCode::usage);
    case Kind::late: return content("the request did not arrive in time", ExitCode::failed);
    case Kind::unanswered: break;
  }
  return content("the daemon has no answer", ExitCode::failed);
}

}  // namespace gracevisor::control
