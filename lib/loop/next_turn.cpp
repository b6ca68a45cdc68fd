#include "loop/next_turn.h"

#include <cassert>

#include "loop/handle.h"

namespace gracevisor::loop {

NextTurn::NextTurn(Loop& loop, std::function<void()> on_turn) : on_turn_(std::move(on_turn)) {
  auto idle = std::make_unique<uv_idle_t>();
  int r = uv_idle_init(loop.raw(), idle.get());
  assert(r == 0);  // uv_idle_init cannot fail
  (void)r;
  idle_.reset(idle.release());
  idle_->data = this;
}

void NextTurn::ask() {
  int r = uv_idle_start(idle_.get(), [](uv_idle_t* handle) {
    if (handle->data == nullptr) return;
    auto* self = static_cast<NextTurn*>(handle->data);
    self->stop();
    // A copy: the owner may destroy this in its callback.
    auto on_turn = self->on_turn_;
    on_turn();
  });
  assert(r == 0);  // fails only without a callback
  (void)r;
}

void NextTurn::stop() {
  int r = uv_idle_stop(idle_.get());
  assert(r == 0);  // never fails
  (void)r;
}

}  // namespace gracevisor::loop
