// One libuv loop, and the rules that make libuv safe to use from objects with owners.
//
// - A handle closes asynchronously: its memory outlives its owner. HandlePtr handles this in one place: the
//   handle forgets its owner, uv_close is called, and the close callback frees the memory.
// - An owner that ends inside its own callback is closed now and freed after the turn: Loop::retire.
// - A Loop is done when close() returns 0; tests assert it.
// Thread: everything here belongs to the thread that runs the loop, except Wakeup::ring.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

struct uv_loop_s;
struct uv_async_s;
struct uv_check_s;
struct uv_fs_event_s;
struct uv_idle_s;
struct uv_poll_s;
struct uv_prepare_s;
struct uv_timer_s;

namespace gracevisor::loop {

// Closes a libuv handle, and frees it when it is closed. One for each kind that has an owner: who owns
// another kind finds out when compiling, not when linking.
struct HandleCloser {
  void operator()(uv_async_s* handle) const noexcept;
  void operator()(uv_check_s* handle) const noexcept;
  void operator()(uv_fs_event_s* handle) const noexcept;
  void operator()(uv_idle_s* handle) const noexcept;
  void operator()(uv_poll_s* handle) const noexcept;
  void operator()(uv_prepare_s* handle) const noexcept;
  void operator()(uv_timer_s* handle) const noexcept;
};
template <class H>
using HandlePtr = std::unique_ptr<H, HandleCloser>;

// Something that may have to die inside its own callback.
class Retirable {
 public:
  virtual ~Retirable() = default;
};

class Loop final : public base::Clock {
 public:
  [[nodiscard]] static base::Expected<std::unique_ptr<Loop>> create();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() override;

  // Runs until stop() or until nothing is left to wait for.
  void run();
  // One turn: waits for events if `wait`, otherwise only handles what is ready. A timer that fires does not
  // end the wait: libuv 1.44 runs timers first and then waits (test/support/run_until.h).
  void run_once(bool wait);
  // Ends run() after the current turn; callable from callbacks.
  void stop();

  // The instant at which the current turn began (cached; no system call).
  [[nodiscard]] base::TimePoint now() const override;

  // Frees `gone` after the running callback and before the loop next waits for events.
  void retire(std::unique_ptr<Retirable> gone);

  // Lets pending closes finish, then closes the loop: 0, or the errno-like reason (-16, EBUSY: a handle still
  // has its owner; close() may be retried once that is gone).
  [[nodiscard]] int close();

  // The buffer that every stream of this loop reads into; its bytes are valid only during the read callback.
  [[nodiscard]] std::span<char> read_buffer() noexcept { return read_buffer_; }
  // How many reads this loop's streams have done: a measure of how busy it is.
  [[nodiscard]] std::uint64_t reads() const noexcept { return reads_; }
  void count_read() noexcept { ++reads_; }
  [[nodiscard]] uv_loop_s* raw() noexcept { return loop_.get(); }
  // The Loop whose raw() this is.
  [[nodiscard]] static Loop& of(const uv_loop_s* raw) noexcept;

 private:
  Loop() = default;
  void start_freeing();
  void free_retired();

  std::unique_ptr<uv_loop_s> loop_;
  HandlePtr<uv_prepare_s> before_wait_;
  HandlePtr<uv_check_s> after_io_;
  std::vector<std::unique_ptr<Retirable>> retired_;
  std::vector<char> read_buffer_;
  std::uint64_t reads_ = 0;
  bool closed_ = false;
};

// The text and errno value of a libuv result: Error{"cannot listen: address already in use", EADDRINUSE}.
[[nodiscard]] base::Error uv_error(const std::string& doing, int result);

}  // namespace gracevisor::loop
