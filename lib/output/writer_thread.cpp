#include "output/writer_thread.h"

#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <utility>

#include "base/file.h"
#include "base/thread_start.h"

namespace gracevisor::output {
namespace {

constexpr base::Duration kTick = std::chrono::seconds(1);
// Batches from each ring in one loop turn, so that senders that never pause do not block the tick.
constexpr int kRounds = 64;

// State files hold the apps' environments, so no one else may read them.
constexpr unsigned kStateMode = 0600;

}  // namespace

base::Expected<std::unique_ptr<WriterThread>> WriterThread::start(loop::Wakeup& answered,
                                                                  StderrThread& standard_error,
                                                                  WriterSettings settings) {
  std::unique_ptr<WriterThread> self(new WriterThread(answered, standard_error, std::move(settings)));
  auto loop = loop::Loop::create();
  if (!loop) return std::unexpected(loop.error());
  self->loop_ = std::move(*loop);
  const LogWays ways = self->ways(self->settings_.opener);
  self->keeper_ = std::make_unique<LogKeeper>(*self->loop_, ways, [s = self.get()](Compression job) {
    const bool pushed = s->compressions_.push(std::move(job));
    if (pushed) s->answered_.ring();
    return pushed;
  });
  self->files_ = std::make_unique<LogFiles>(*self->loop_, self->lost_, ways);
  self->readers_ = std::make_unique<LogReaders>(self->readings_, ways.opener);
  self->reserve_ = std::make_unique<Reserve>(self->settings_.reserve, *self->loop_);
  auto work = loop::Wakeup::create(*self->loop_, [s = self.get()] { s->on_ring(); });
  if (!work) return std::unexpected(work.error());
  self->work_ = std::move(*work);
  self->tick_ = std::make_unique<loop::Timer>(*self->loop_, [s = self.get()] { s->on_tick(); });
  self->tick_->start(kTick);
  auto thread = base::start_thread("gv-writer", [s = self.get()] {
    s->reserve_->refill();
    s->loop_->run();
  });
  if (!thread) return std::unexpected(thread.error());
  self->thread_ = std::move(*thread);
  return self;
}

LogWays WriterThread::ways(std::shared_ptr<const LogOpener> opener) {
  LogWays ways;
  if (opener) ways.opener = std::move(opener);
  ways.rotated = [this](const std::filesystem::path& path) { keeper_->rotated(path); };
  ways.tell = [this](const std::string& path, const std::string& cause) { troubles_.add(path, cause); };
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

bool WriterThread::push(Order&& order) {
  if (!orders_.push(std::move(order))) return false;
  work_->ring();
  return true;
}

bool WriterThread::push(LogUpkeep&& upkeep) {
  if (!upkeeps_.push(std::move(upkeep))) return false;
  work_->ring();
  return true;
}

void WriterThread::compressed(std::string trouble) {
  const bool pushed = compressed_.push(std::move(trouble));
  assert(pushed);  // one is under way at a time
  (void)pushed;
  work_->ring();
}

void WriterThread::tend_old_files(bool tend) noexcept {
  untended_.set(tend ? 0 : 1);
  work_->ring();
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
  auto replaced = replace(order);
  bool full = !replaced && (replaced.error().code == ENOSPC || replaced.error().code == EDQUOT);
  if (!full || !reserve_->give_up()) return replaced;
  replaced = replace(order);
  reserve_->refill();
  return replaced;
}

base::Expected<void> WriterThread::replace(const Order& order) {
  auto replaced = base::replace_file(order.path, order.content, kStateMode);
  if (replaced || replaced.error().code != ENOENT) return replaced;
  if (auto made = base::make_folders(order.path.parent_path(), 0750); !made) return made;
  return base::replace_file(order.path, order.content, kStateMode);
}

void WriterThread::do_now(const Lines& lines) {
  files_->append(lines);
}

void WriterThread::on_ring() {
  // Read before the rings: nothing is pushed after it was set, so one more pass sees everything.
  bool last = finish_.read() != 0;
  const bool more = work();
  if (!last) work_on_upkeep();
  tell_troubles();
  // Nothing waits for what is read once the daemon ends.
  if ((!last && work_on_readings()) || more) {
    work_->ring();
  } else if (last) {
    loop_->stop();
  }
}

// The tick also covers a lost wake-up.
void WriterThread::on_tick() {
  tick_->start(kTick);
  on_ring();
  files_->tick();
  reserve_->tick();
  tell_troubles();
}

void WriterThread::tell_troubles() {
  if (troubles_.send()) answered_.ring();
}

// True if there may be more.
bool WriterThread::work() {
  work_on_orders();
  for (int round = 0; round < kRounds; ++round) {
    bool any = work_on_lines();
    for (routing::AccessLane* lane : settings_.lanes) any = work_on_lane(*lane) || any;
    if (!any) return false;
    work_on_orders();
  }
  return true;
}

bool WriterThread::work_on_lines() {
  auto lines = lines_.pop();
  if (!lines) return false;
  do_now(*lines);
  lines_.wrote(lines->text.size());
  if (lines_.news_wanted()) answered_.ring();
  return true;
}

bool WriterThread::work_on_lane(routing::AccessLane& lane) {
  auto batch = lane.filled.pop();
  if (!batch) return false;
  const routing::AccessSink& to = batch->to;
  std::size_t size = batch->text.size();
  FilePolicy policy{.path = to.path,
                    .max_size = to.max_size,
                    .keep = to.keep,
                    .json = to.format == config::AccessFormat::json,
                    .user = to.user};
  Lines lines{
      std::move(policy), std::move(batch->text), {batch->dropped_lines, batch->dropped_bytes}, {}, {}};
  if (to.path.empty()) {
    standard_error_.forward(std::move(lines));
  } else {
    files_->append(lines);
    batch->text = std::move(lines.text);
  }
  lane.taken.add(size);
  batch->text.clear();
  (void)lane.spent.push(std::move(*batch));  // if the ring is full there are enough: this one is freed
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

void WriterThread::work_on_upkeep() {
  if (untended_.read() != 0) return;
  while (auto upkeep = upkeeps_.pop()) keeper_->keep(std::move(*upkeep));
  // Not under whoever reads: the compressed form of a file that was read would be another file, and read
  // again.
  if (!readers_->busy()) {
    if (auto trouble = compressed_.pop()) keeper_->finished(*trouble);
  }
  keeper_->work();
}

// True if there is more to read.
bool WriterThread::work_on_readings() {
  bool answered = false;
  const bool more = readers_->step(answered);
  if (answered) answered_.ring();
  return more;
}

}  // namespace gracevisor::output
