#include "control/reply.h"

#include <cassert>
#include <utility>

namespace gracevisor::control {

Reply::~Reply() {
  if (sink_ != nullptr) sink_->abandon();
}

void Reply::json(int status, std::string_view body) {
  if (sink_ == nullptr) return;
  assert(state_ == State::waiting);
  state_ = State::ended;
  sink_->answer(status, body);
}

void Reply::error(const Error& error) {
  json(status_for_exit(error.exit), to_json(error));
}

bool Reply::follow() {
  if (sink_ == nullptr) return true;
  assert(state_ == State::waiting);
  return sink_->follow();
}

void Reply::begin_stream() {
  if (sink_ == nullptr) return;
  assert(state_ == State::waiting);
  state_ = State::streaming;
  sink_->begin();
}

void Reply::line(std::string_view json_line) {
  if (sink_ == nullptr) return;
  assert(state_ == State::streaming);
  assert(json_line.find('\n') == std::string_view::npos);
  sink_->add_line(json_line);
}

void Reply::end() {
  if (sink_ == nullptr) return;
  assert(state_ == State::streaming);
  state_ = State::ended;
  sink_->finish();
}

void Reply::notify_gone() {
  // The notice may destroy this Reply's last other owner, but the caller holds it meanwhile.
  if (auto notice = std::exchange(notice_, nullptr)) notice();
}

}  // namespace gracevisor::control
