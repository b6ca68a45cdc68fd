#include "proxy/worker.h"

#include <algorithm>
#include <cassert>
#include <csignal>
#include <system_error>
#include <utility>

#include "loop/timer.h"
#include "proxy/core.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kLookAnyway = std::chrono::seconds(1);

}  // namespace

base::Expected<std::unique_ptr<Worker>> Worker::start(Settings settings, routing::WorkerPort& port,
                                                      std::function<void()> ring_supervisor) {
  std::unique_ptr<Worker> worker(new Worker);
  auto loop = loop::Loop::create();
  if (!loop) return std::unexpected(loop.error());
  worker->loop_ = std::move(*loop);
  auto wakeup = loop::Wakeup::create(*worker->loop_, [w = worker.get()] { w->look_(); });
  if (!wakeup) return std::unexpected(wakeup.error());
  worker->wakeup_ = std::move(*wakeup);
  if (AcceptGroup* group = settings.accept_group; group != nullptr) {
    auto doorbell =
        loop::FdWatch::create(*worker->loop_, group->doorbell(settings.index),
                              loop::FdWatch::Interest::readable, [w = worker.get()] { w->look_(); });
    if (!doorbell) return std::unexpected(doorbell.error());
    worker->doorbell_ = std::move(*doorbell);
  }

  sigset_t all;
  sigset_t before;
  (void)sigfillset(&all);
  if (int code = ::pthread_sigmask(SIG_SETMASK, &all, &before); code != 0) {
    return base::fail_errno("cannot block the signals of a proxy worker", code);
  }
  base::Expected<std::unique_ptr<Worker>> result;
  try {
    worker->thread_ =
        std::thread(&Worker::run, worker.get(), settings, std::ref(port), std::move(ring_supervisor));
    result = std::move(worker);
  } catch (const std::system_error& error) {
    result = base::fail_errno("cannot start a proxy worker", error.code().value());
  }
  (void)::pthread_sigmask(SIG_SETMASK, &before, nullptr);  // a mask that was valid before
  return result;
}

void Worker::run(const Settings& settings, routing::WorkerPort& port, std::function<void()> ring_supervisor) {
  Core core(*loop_,
            {.index = settings.index, .workers = settings.workers, .accept_group = settings.accept_group},
            port, std::move(ring_supervisor), settings.ring_writer);
  loop::Timer anyway(*loop_, [this] { look_(); });
  look_ = [this, &core, &anyway] {
    if (finishing_.read() != 0) {
      loop_->stop();
      return;
    }
    core.look();
    anyway.start(kLookAnyway);
  };
  look_();
  if (finishing_.read() == 0) loop_->run();
  look_ = [] {};
}

void Worker::finish() noexcept {
  finishing_.set(1);
  wakeup_->ring();
}

int Worker::join() {
  if (!thread_.joinable()) return closed_;
  thread_.join();
  // Only now: another thread might have rung while this one ran.
  wakeup_.reset();
  doorbell_.reset();
  closed_ = loop_->close();
  return closed_;
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  finish();
  [[maybe_unused]] int closed = join();
  assert(closed == 0);
}

}  // namespace gracevisor::proxy
