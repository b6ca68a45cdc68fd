#include "output/writer_thread.h"

#include <pthread.h>

#include <cassert>
#include <csignal>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace gracevisor::output {
namespace {

constexpr base::Duration kTick = std::chrono::seconds(1);
// Batches from each ring in one turn of the loop: writers that never pause do not keep the tick from it.
constexpr int kRounds = 64;

// State files hold the environments of apps: nobody else's business.
constexpr unsigned kStateMode = 0600;

// Blocks every signal for as long as it lives: a thread that is created meanwhile inherits that.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    (void)::sigfillset(&all);
    valid_ = ::pthread_sigmask(SIG_SETMASK, &all, &before_) == 0;
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() {
    if (valid_) (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t before_{};
  bool valid_ = false;
};

}  // namespace

base::Expected<std::unique_ptr<WriterThread>> WriterThread::start(loop::Wakeup& answered,
                                                                  std::vector<routing::AccessLane*> lanes,
                                                                  std::shared_ptr<const LogOpener> opener) {
  std::unique_ptr<WriterThread> self(new WriterThread(answered, std::move(lanes)));
  auto loop = loop::Loop::create();
  if (!loop) return std::unexpected(loop.error());
  self->loop_ = std::move(*loop);
  self->files_ = std::make_unique<LogFiles>(*self->loop_, self->lost_, self->ways(std::move(opener)));
  auto work = loop::Wakeup::create(*self->loop_, [s = self.get()] { s->on_ring(); });
  if (!work) return std::unexpected(work.error());
  self->work_ = std::move(*work);
  self->tick_ = std::make_unique<loop::Timer>(*self->loop_, [s = self.get()] { s->on_tick(); });
  self->tick_->start(kTick);
  SignalsBlocked blocked;
  try {
    self->thread_ = std::thread([s = self.get()] { s->loop_->run(); });
  } catch (const std::system_error& e) {
    return std::unexpected(base::system_error("cannot start the writer thread", e.code().value()));
  }
  return self;
}

LogWays WriterThread::ways(std::shared_ptr<const LogOpener> opener) {
  LogWays ways;
  if (opener) ways.opener = std::move(opener);
  ways.tell = [this](const std::string& path, const std::string& cause) {
    if (troubles_.push(Trouble{path, cause})) answered_.ring();
  };
  return ways;
}

WriterThread::~WriterThread() {
  finish();
  tick_.reset();
  work_.reset();
  files_.reset();
  if (loop_ == nullptr) return;
  int closed = loop_->close();
  assert(closed == 0);
  (void)closed;
}

bool WriterThread::push(Lines&& lines) {
  if (!lines_.push(std::move(lines))) return false;
  work_->ring();
  return true;
}

bool WriterThread::push(Order&& order) {
  if (!orders_.push(std::move(order))) return false;
  work_->ring();
  return true;
}

void WriterThread::finish() {
  if (!thread_.joinable()) return;
  finish_.set(1);
  work_->ring();
  thread_.join();
}

base::Expected<void> WriterThread::do_now(const Order& order) {
  if (order.path.empty()) {
    files_->reopen();
    return {};
  }
  if (auto made = base::make_folders(order.path.parent_path(), 0750); !made) return made;
  return base::replace_file(order.path, order.content, kStateMode);
}

void WriterThread::do_now(const Lines& lines) {
  files_->append(lines.policy, lines.text, lines.before);
}

void WriterThread::on_ring() {
  // Read before the rings: whoever set it pushed nothing afterwards, so that one more pass sees everything.
  bool last = finish_.read() != 0;
  if (work()) {
    work_->ring();
  } else if (last) {
    loop_->stop();
  }
}

// The tick also covers a ring that was lost.
void WriterThread::on_tick() {
  tick_->start(kTick);
  on_ring();
  files_->tick();
}

// True when there may be more.
bool WriterThread::work() {
  work_on_orders();
  for (int round = 0; round < kRounds; ++round) {
    bool any = work_on_lines();
    for (routing::AccessLane* lane : lanes_) any = work_on_lane(*lane) || any;
    if (!any) return false;
    work_on_orders();
  }
  return true;
}

bool WriterThread::work_on_lines() {
  auto lines = lines_.pop();
  if (!lines) return false;
  do_now(*lines);
  consumed_.add(lines->text.size());
  return true;
}

bool WriterThread::work_on_lane(routing::AccessLane& lane) {
  auto batch = lane.filled.pop();
  if (!batch) return false;
  const routing::AccessSink& to = batch->to;
  files_->append({to.path, to.max_size, to.keep, to.format == config::AccessFormat::json, to.user},
                 batch->text, {batch->dropped_lines, batch->dropped_bytes});
  lane.taken.add(batch->text.size());
  batch->text.clear();
  (void)lane.spent.push(std::move(*batch));  // enough of them are there: this one is freed
  return true;
}

void WriterThread::work_on_orders() {
  bool any = false;
  while (auto order = orders_.pop()) {
    bool pushed = answers_.push(Answer{order->id, do_now(*order)});
    assert(pushed);  // no more than kOrders are unanswered
    (void)pushed;
    any = true;
  }
  if (any) answered_.ring();
}

}  // namespace gracevisor::output
