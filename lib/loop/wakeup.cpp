#include "loop/wakeup.h"

#include <cassert>

#include "loop/handle.h"

namespace gracevisor::loop {

base::Expected<std::unique_ptr<Wakeup>> Wakeup::create(Loop& loop, std::function<void()> on_ring) {
  std::unique_ptr<Wakeup> wakeup(new Wakeup(std::move(on_ring)));
  auto async = std::make_unique<uv_async_t>();
  int r = uv_async_init(loop.raw(), async.get(), [](uv_async_t* handle) {
    if (handle->data == nullptr) return;
    // A copy: the owner may destroy the wake-up in its callback.
    auto call = static_cast<Wakeup*>(handle->data)->on_ring_;
    call();
  });
  if (r != 0) return std::unexpected(uv_error("cannot create a wake-up", r));
  wakeup->async_.reset(async.release());
  wakeup->async_->data = wakeup.get();
  return wakeup;
}

void Wakeup::ring() noexcept {
  // uv_async_send begins with a plain read of "a ring is pending already". Without a full fence that read can
  // overtake the caller's store of what the ring announces: the loop then looks too early and is not woken
  // again. (A builtin, since <atomic> belongs to handoff/, where the announced values live.)
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  int r = uv_async_send(async_.get());
  assert(r == 0);  // fails only for a handle of another type
  (void)r;
}

}  // namespace gracevisor::loop
