// How a client's connection ends: refused, lingering, closed.
#include <utility>

#include "http/forward.h"
#include "proxy/core.h"
#include "proxy/downstream.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kLingerIdle = std::chrono::seconds(5);
constexpr std::uint32_t kLingerTotal = 30;  // seconds
constexpr std::size_t kLingerBytes = std::size_t{1} << 20;

std::uint32_t seconds_of(base::TimePoint now) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
}

}  // namespace

void Downstream::turn_away(Reply reply) {
  refuse(reply, buffer_.data());
}

// A peer that sends no PROXY header does not know that one is expected, and might take our answer for one to
// its request.
void Downstream::refuse_preface() {
  AccessNote::refused(core_, *this, 0, Reply::bad_proxy_header, buffer_.data(), {}, 0);
  close();
}

void Downstream::refuse(const http::Refusal& why, std::string_view head) {
  std::string_view request_id = core_.request_ids().next();
  const std::string message = message_of(why);
  std::string& out = core_.scratch();
  out.clear();
  http::write_own_answer({.status = why.status,
                          .reason = why.reason,
                          .message = message,
                          .accept = {},
                          .request_id = request_id,
                          .head_request = head.starts_with("HEAD "),
                          .retry_after = http::text_of(why.reason).retry_after,
                          .date = core_.date()},
                         out);
  AccessNote::refused(core_, *this, why.status, why.reason, head, request_id, out.size());
  count_own_answer();
  const loop::WriteResult written = write(out);
  if (written == loop::WriteResult::broken) {
    close();
    return;
  }
  // The kernel has all of it: if need be, the client can do without our reading on.
  if (written == loop::WriteResult::done) core_.crowd().last(*this, core_.loop().now());
  linger();
}

// Half-closes behind what is queued, and discards what the client still sends, so that it can read the answer
// before its bytes meet a closed socket (RFC 9112 section 9.6).
void Downstream::linger() {
  state_ = State::lingering;
  buffer_.release();
  if (ended_ && queued() == 0) {
    close();
    return;
  }
  lingers_since_ = seconds_of(core_.loop().now());
  stream_.finish_writing();
  core_.deadlines().start(deadline_, kLingerIdle);
  update_reading();
}

void Downstream::discard(std::size_t bytes) {
  discarded_ += static_cast<std::uint32_t>(bytes);
  if (discarded_ > kLingerBytes || seconds_of(core_.loop().now()) - lingers_since_ > kLingerTotal) {
    close();
  } else {
    core_.deadlines().start(deadline_, kLingerIdle);
  }
}

void Downstream::close() {
  shut();
  core_.forget(*this);
}

void Downstream::shut() noexcept {
  if (state_ == State::closed) return;
  state_ = State::closed;
  --entrance_.clients;
  entrance_.cell->ended.add();
  if (entrance_.leaving()) core_.bell().ring();
  core_.crowd().leave(seat_);
  deadline_.cancel();
  if (tunnel_) {
    tunnel_->abandon();
    core_.loop().retire(std::move(tunnel_));
  }
  if (exchange_) {
    exchange_->abandon();
    core_.recycle(std::move(exchange_));
    // What is queued of its response is lost: one that is delimited by the connection's end must not look
    // complete.
    stream_.reset();
  }
  stream_.close();
}

}  // namespace gracevisor::proxy
