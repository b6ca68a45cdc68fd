#include "loop/signals.h"

#include <ctime>

#include "loop/handle.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define GV_TICKS
#endif
#endif

namespace gracevisor::loop {
namespace {

#ifdef GV_TICKS
// ThreadSanitizer holds a signal back until a call that it intercepts. It leaves libuv alone (handle.cpp), so
// that without other work a loop would wait for ever with a signal in hand.
int start_ticks(Loop& loop, HandlePtr<uv_timer_t>& ticks) {
  constexpr std::uint64_t kEachMs = 200;
  auto handle = std::make_unique<uv_timer_t>();
  if (int r = uv_timer_init(loop.raw(), handle.get()); r != 0) return r;
  ticks.reset(handle.release());
  uv_unref(reinterpret_cast<uv_handle_t*>(ticks.get()));
  const auto intercepted = [](uv_timer_t* /*timer*/) {
    timespec now{};
    (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  };
  return uv_timer_start(ticks.get(), intercepted, kEachMs, kEachMs);
}
#else
int start_ticks(Loop& /*loop*/, HandlePtr<uv_timer_t>& /*ticks*/) {
  return 0;
}
#endif

}  // namespace

base::Expected<std::unique_ptr<Signals>> Signals::create(Loop& loop, std::initializer_list<int> which,
                                                         std::function<void(int)> on_signal) {
  std::unique_ptr<Signals> signals(new Signals(std::move(on_signal)));
  if (int r = start_ticks(loop, signals->ticks_); r != 0) {
    return std::unexpected(uv_error("cannot watch signals", r));
  }
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
