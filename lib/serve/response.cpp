#include "serve/response.h"

#include <cassert>

namespace gracevisor::serve {

Response::~Response() {
  if (sink_ != nullptr) sink_->abandon();
}

void Response::answer(const Content& content) {
  if (sink_ == nullptr) return;
  assert(state_ == State::waiting);
  state_ = State::ended;
  sink_->answer(content);
}

bool Response::follow() {
  if (sink_ == nullptr) return true;
  assert(state_ == State::waiting);
  return sink_->follow();
}

void Response::begin_stream(int status, std::string_view type) {
  if (sink_ == nullptr) return;
  assert(state_ == State::waiting);
  state_ = State::streaming;
  sink_->begin(status, type);
}

void Response::add(std::string_view piece) {
  if (sink_ == nullptr) return;
  assert(state_ == State::streaming);
  sink_->add(piece);
}

void Response::end() {
  if (sink_ == nullptr) return;
  assert(state_ == State::streaming);
  state_ = State::ended;
  sink_->finish();
}

void Response::notify_gone() {
  // The notice may destroy this Response's last other owner, but the caller holds it meanwhile.
  if (auto notice = std::exchange(notice_, nullptr)) notice();
}

void Response::notify_drained() {
  // It may cancel itself.
  if (sink_ == nullptr || !drained_) return;
  const std::function<void()> notice = drained_;
  notice();
}

}  // namespace gracevisor::serve
