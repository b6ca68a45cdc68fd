#include "loop/wakeup.h"

#include <cassert>

#include "loop/handle.h"

namespace gracevisor::loop {

base::Expected<std::unique_ptr<Wakeup>> Wakeup::create(Loop& loop, std::function<void()> on_ring) {
  std::unique_ptr<Wakeup> wakeup(new Wakeup(std::move(on_ring)));
  auto async = std::make_unique<uv_async_t>();
  int r = uv_async_init(loop.raw(), async.get(), [](uv_async_t* handle) {
    if (handle->data != nullptr) static_cast<Wakeup*>(handle->data)->on_ring_();
  });
  if (r != 0) return std::unexpected(uv_error("cannot create a wake-up", r));
  wakeup->async_.reset(async.release());
  wakeup->async_->data = wakeup.get();
  return wakeup;
}

void Wakeup::ring() noexcept {
  int r = uv_async_send(async_.get());
  assert(r == 0);  // fails only for a handle of another type
  (void)r;
}

}  // namespace gracevisor::loop
