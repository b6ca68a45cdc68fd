#include "output/sink_thread.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/thread_start.h"

namespace gracevisor::output {
namespace {

// A reader that takes nothing is looked at so often, to tell about it; and so is room for what is told.
constexpr base::Duration kLookAtReaders = std::chrono::seconds(1);

int milliseconds_until(base::TimePoint when, base::TimePoint now) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - now);
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

}  // namespace

base::Expected<std::unique_ptr<SinkThread>> SinkThread::start(loop::Wakeup& news,
                                                              std::shared_ptr<const LogOpener> opener) {
  std::unique_ptr<SinkThread> self(new SinkThread(news));
  if (opener) self->ways_.opener = std::move(opener);
  self->ways_.tell = [s = self.get()](const std::string& path, const std::string& cause) {
    s->troubles_.add(path, cause);
  };
  self->bell_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!self->bell_) return base::fail_errno("cannot create an eventfd", errno);
  auto thread = base::start_thread("gv-sinks", [s = self.get()] { s->run(); });
  if (!thread) return std::unexpected(thread.error());
  self->thread_ = std::move(*thread);
  return self;
}

SinkThread::~SinkThread() {
  finish();
}

Sink* SinkThread::add(const FilePolicy& where) {
  auto sink = std::make_unique<Sink>(where, clock_, ways_);
  if (!new_.push(sink.get())) return nullptr;
  return sinks_.emplace_back(std::move(sink)).get();
}

void SinkThread::end(Sink& sink) noexcept {
  sink.ask_to_end();
  wake();
}

void SinkThread::forget(const Sink* sink) {
  std::erase_if(sinks_, [sink](const auto& one) { return one.get() == sink; });
}

void SinkThread::wake() noexcept {
  const std::uint64_t one = 1;
  // EAGAIN: it is rung already.
  (void)!::write(bell_.get(), &one, sizeof one);
}

std::uint64_t SinkThread::lost() const noexcept {
  std::uint64_t lost = 0;
  for (const auto& sink : sinks_) lost += sink->lost();
  return lost;
}

void SinkThread::finish() {
  if (!thread_.joinable()) return;
  finish_.set(1);
  wake();
  thread_.join();
}

void SinkThread::run() {
  while (finish_.read() == 0) (void)turn(std::nullopt);
}

// Waits for whatever comes, but not beyond `end`. False: nothing is left.
bool SinkThread::turn(std::optional<base::TimePoint> end) {
  while (auto sink = new_.pop()) at_work_.push_back({*sink});
  std::vector<pollfd> waited{{bell_.get(), POLLIN, 0}};
  std::optional<base::TimePoint> until = end;
  auto not_beyond = [&until](base::TimePoint when) { until = until ? std::min(*until, when) : when; };
  bool any = false;
  for (AtWork& one : at_work_) {
    one.next = one.sink->work();
    if (one.sink->ring().news_wanted()) news_.ring();
  }
  std::erase_if(at_work_, [this](const AtWork& one) { return ended(one); });
  for (const AtWork& one : at_work_) {
    any = any || one.next != Sink::Next::nothing;
    switch (one.next) {
      case Sink::Next::nothing: break;
      case Sink::Next::more: not_beyond(clock_.now()); break;
      case Sink::Next::later: not_beyond(one.sink->retry_at()); break;
      case Sink::Next::writable:
        waited.push_back({one.sink->fd(), POLLOUT, 0});
        not_beyond(clock_.now() + kLookAtReaders);
        break;
    }
  }
  if (troubles_.send()) news_.ring();
  if (troubles_.waits()) not_beyond(clock_.now() + kLookAtReaders);
  if (!any && end) return false;
  const int wait = until ? milliseconds_until(*until, clock_.now()) : -1;
  // Interrupted or out of memory: what is there is found by trying.
  if (::poll(waited.data(), waited.size(), wait) > 0 && waited.front().revents != 0) {
    std::uint64_t rung = 0;
    (void)!::read(bell_.get(), &rung, sizeof rung);
  }
  return true;
}

// Has it been handed back?
bool SinkThread::ended(const AtWork& one) {
  if (!one.sink->asked_to_end()) return false;
  one.sink->end();
  const bool pushed = ended_.push(auto(one.sink));
  if (pushed) news_.ring();
  return pushed;
}

std::uint64_t SinkThread::passed() const noexcept {
  std::uint64_t passed = 0;
  for (const auto& sink : sinks_) passed += sink->passed();
  return passed;
}

void SinkThread::send_rest() {
  const base::TimePoint last = clock_.now() + kLast;
  base::TimePoint silent = clock_.now() + kLastSilence;
  std::uint64_t had_passed = passed();
  while (turn(std::min(last, silent))) {
    const base::TimePoint now = clock_.now();
    const std::uint64_t has_passed = passed();
    if (std::exchange(had_passed, has_passed) != has_passed) silent = now + kLastSilence;
    if (now >= std::min(last, silent)) break;
  }
  for (const auto& sink : sinks_) sink->give_up();
}

}  // namespace gracevisor::output
