// How a client's connection ends: refused, lingering, closed.
#include <utility>

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
  refuse(reply, input_.data());
}

// A peer that sends no PROXY header does not know that one is expected, and might take our answer for one to
// its request.
void Downstream::refuse_preface() {
  AccessNote::refused(core().kit(), http1_, 0, Reply::bad_proxy_header, input_.data(), {}, 0);
  close();
}

void Downstream::end_astray(bool preface) {
  if (preface || input_.empty()) {
    close();
  } else {
    turn_away(Reply::drained);
  }
}

void Downstream::refuse(const http::Refusal& why, std::string_view head) {
  std::string_view request_id = core().kit().request_ids.next();
  const std::string message = message_of(why);
  const std::uint64_t before = written_;
  const HeadSent answered = http1_.answer({.status = why.status,
                                           .reason = why.reason,
                                           .message = message,
                                           .accept = {},
                                           .request_id = request_id,
                                           .head_request = head.starts_with("HEAD "),
                                           .retry_after = http::text_of(why.reason).retry_after,
                                           .date = {}},
                                          false);
  AccessNote::refused(core().kit(), http1_, why.status, why.reason, head, request_id, written_ - before);
  if (answered.sent == Sent::broken) {
    close();
    return;
  }
  // The kernel has all of it: if need be, the client can do without our reading on.
  if (answered.sent == Sent::done) core().crowd().last(*this, core().kit().loop.now());
  linger();
}

void Downstream::linger() {
  state_ = State::lingering;
  input_.release();
  if (http1_.ended() && queued() == 0) {
    close();
    return;
  }
  lingers_since_ = seconds_of(core().kit().loop.now());
  stream_.finish_writing();
  core().kit().deadlines.start(http1_.deadline(), kLingerIdle);
  update_reading();
}

void Downstream::discard(std::size_t bytes) {
  discarded_ += static_cast<std::uint32_t>(bytes);
  if (discarded_ > kLingerBytes || seconds_of(core().kit().loop.now()) - lingers_since_ > kLingerTotal) {
    close();
  } else {
    core().kit().deadlines.start(http1_.deadline(), kLingerIdle);
  }
}

void Downstream::cut() {
  stream_.reset();
  close();
}

void Downstream::stop() {
  written_ -= queued();  // that is never sent
  stream_.close();
}

void Downstream::close() {
  shut();
  core().forget(*this);
}

void Downstream::shut() noexcept {
  if (state_ == State::closed) return;
  state_ = State::closed;
  if (waits()) stop_waiting(Move::none);
  --entrance_.clients;
  entrance_.cell->ended.add();
  if (entrance_.leaving()) core().kit().bell.ring();
  core().crowd().leave(seat_);
  http1_.deadline().cancel();
  // What is queued of its response is lost: one that is delimited by the connection's end must not look
  // complete.
  if (http1_.abandon()) stream_.reset();
  stream_.close();
}

}  // namespace gracevisor::proxy
