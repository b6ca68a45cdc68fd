#include "loop/signals.h"

#include "loop/handle.h"

namespace gracevisor::loop {

base::Expected<std::unique_ptr<Signals>> Signals::create(Loop& loop, std::initializer_list<int> which,
                                                         std::function<void(int)> on_signal) {
  std::unique_ptr<Signals> signals(new Signals(std::move(on_signal)));
  for (int number : which) {
    auto handle = std::make_unique<uv_signal_t>();
    if (int r = uv_signal_init(loop.raw(), handle.get()); r != 0) {
      return std::unexpected(uv_error("cannot watch signals", r));
    }
    HandlePtr<uv_signal_t> owned(handle.release());
    owned->data = signals.get();
    int r = uv_signal_start(
        owned.get(),
        [](uv_signal_t* h, int n) {
          if (h->data == nullptr) return;
          // A copy: the owner may destroy the watch in its callback.
          auto call = static_cast<Signals*>(h->data)->on_signal_;
          call(n);
        },
        number);
    if (r != 0) return std::unexpected(uv_error("cannot watch signal " + std::to_string(number), r));
    // A signal watch alone keeps no loop running.
    uv_unref(reinterpret_cast<uv_handle_t*>(owned.get()));
    signals->handles_.push_back(std::move(owned));
  }
  return signals;
}

}  // namespace gracevisor::loop
