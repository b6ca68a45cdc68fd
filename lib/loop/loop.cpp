#include "loop/loop.h"

#include <cassert>
#include <utility>

#include "loop/handle.h"

namespace gracevisor::loop {
namespace {
constexpr std::size_t kReadBuffer = 65536;
}

base::Error uv_error(const std::string& doing, int result) {
  return base::Error{doing + ": " + uv_strerror(result), -result};
}

base::Expected<std::unique_ptr<Loop>> Loop::create() {
  std::unique_ptr<Loop> loop(new Loop);
  auto raw = std::make_unique<uv_loop_s>();
  if (int r = uv_loop_init(raw.get()); r != 0) {
    loop->closed_ = true;
    return std::unexpected(uv_error("cannot create an event loop", r));
  }
  raw->data = loop.get();
  loop->loop_ = std::move(raw);
  loop->read_buffer_.resize(kReadBuffer);
  loop->start_freeing();
  return loop;
}

Loop& Loop::of(const uv_loop_s* raw) noexcept {
  return *static_cast<Loop*>(raw->data);
}

// Objects retired in an I/O callback are freed after all of them (check); objects retired in a timer or close
// callback are freed before the loop waits (prepare), because the wait may be long. Neither keeps a loop
// alive, and neither call can fail on a fresh handle.
void Loop::start_freeing() {
  auto prepare = std::make_unique<uv_prepare_t>();
  int r = uv_prepare_init(raw(), prepare.get());
  assert(r == 0);
  before_wait_.reset(prepare.release());
  before_wait_->data = this;
  r = uv_prepare_start(before_wait_.get(), [](uv_prepare_t* handle) {
    if (handle->data != nullptr) static_cast<Loop*>(handle->data)->free_retired();
  });
  assert(r == 0);
  uv_unref(reinterpret_cast<uv_handle_t*>(before_wait_.get()));

  auto check = std::make_unique<uv_check_t>();
  r = uv_check_init(raw(), check.get());
  assert(r == 0);
  after_io_.reset(check.release());
  after_io_->data = this;
  r = uv_check_start(after_io_.get(), [](uv_check_t* handle) {
    if (handle->data != nullptr) static_cast<Loop*>(handle->data)->free_retired();
  });
  assert(r == 0);
  (void)r;
  uv_unref(reinterpret_cast<uv_handle_t*>(after_io_.get()));
}

void Loop::free_retired() {
  // Destroying one may retire others.
  while (!retired_.empty()) {
    auto gone = std::exchange(retired_, {});
  }
}

Loop::~Loop() {
  if (!closed_) (void)close();
}

void Loop::run() {
  (void)uv_run(raw(), UV_RUN_DEFAULT);
}
void Loop::run_once(bool wait) {
  (void)uv_run(raw(), wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}
void Loop::stop() {
  uv_stop(raw());
}

base::TimePoint Loop::now() const {
  // uv_now counts milliseconds of CLOCK_MONOTONIC, which is steady_clock's source too.
  return base::TimePoint(std::chrono::milliseconds(uv_now(loop_.get())));
}

void Loop::retire(std::unique_ptr<Retirable> gone) {
  retired_.push_back(std::move(gone));
}

int Loop::close() {
  if (closed_) return 0;
  free_retired();
  before_wait_.reset();
  after_io_.reset();
  // Only closing handles are left if every owner is gone: their callbacks run in a few turns that never wait.
  constexpr int kTurns = 16;
  int result = UV_EBUSY;
  for (int turn = 0; turn < kTurns && result == UV_EBUSY; ++turn) {
    (void)uv_run(raw(), UV_RUN_NOWAIT);
    result = uv_loop_close(raw());
  }
  closed_ = result == 0;
  return result;
}

}  // namespace gracevisor::loop
