#include "output/writer.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "loop/timer.h"
#include "loop/wakeup.h"
#include "output/line_queue.h"
#include "output/log_reads.h"
#include "output/sinks.h"
#include "output/stderr_thread.h"
#include "output/writer_thread.h"

namespace gracevisor::output {
namespace {

// How often to check for answers while some are outstanding, in case a wake-up was lost.
constexpr base::Duration kAnswerCheck = std::chrono::seconds(1);

using Done = std::function<void(base::Expected<void>)>;

}  // namespace

// The supervisor's side.
//
// An order waits until no order for the same path is under way and fewer than kOrders are; while it waits, a
// newer one for its path replaces it and inherits its callbacks. So there are at most two orders per path,
// and the newest content is always written last.
class Writer::Impl {
 public:
  [[nodiscard]] static base::Expected<std::unique_ptr<Impl>> start(loop::Loop& supervisor,
                                                                   WriterSettings settings);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  void append(const FilePolicy& policy, std::string_view text, Source source, bool now);
  [[nodiscard]] bool takes(const FilePolicy& policy) const noexcept;
  void order(const std::filesystem::path& path, std::string content, Done done);
  void on_room(std::function<void()> room) { room_ = std::move(room); }
  void use_sinks(const std::string& app, const std::vector<FilePolicy>& sinks) { sinks_->use(app, sinks); }
  [[nodiscard]] Source new_source() noexcept { return last_source_ = last_source_.next(); }
  [[nodiscard]] const spawn::Credentials* user(const spawn::Credentials& who);
  [[nodiscard]] std::uint64_t read(LogReading what, LogReads::Done done) {
    to_files_->hand_over();
    const std::uint64_t id = reads_->begin(std::move(what), std::move(done));
    if (!answer_timer_.running()) answer_timer_.start(kAnswerCheck);
    return id;
  }
  [[nodiscard]] LogReads& reads() noexcept { return *reads_; }
  void on_degraded(Tell tell) { tell_ = std::move(tell); }
  [[nodiscard]] const std::map<std::string, std::string>& degraded() const noexcept { return degraded_; }
  void keep(LogUpkeep upkeep) {
    upkeeps_.push_back(std::move(upkeep));
    send_upkeeps();
  }
  void on_compress(Compress compress) { compress_ = std::move(compress); }
  void tend_old_files(bool tend) noexcept { thread_->tend_old_files(tend); }
  void wake() noexcept { thread_->wake(); }
  [[nodiscard]] std::uint64_t dropped_lines() const {
    std::uint64_t dropped =
        to_files_->dropped_lines() + to_stderr_->dropped_lines() + thread_->lost() + stderr_->lost();
    dropped += sinks_->dropped_lines();
    for (const routing::AccessLane* lane : lanes_) dropped += lane->dropped.read();
    return dropped;
  }

 private:
  struct Waiting {
    std::filesystem::path path;
    std::string content;
    std::vector<Done> done;
  };
  struct UnderWay {
    std::filesystem::path path;
    std::vector<Done> done;
  };

  Impl(loop::Loop& supervisor, std::vector<routing::AccessLane*> lanes)
      : supervisor_(supervisor),
        lanes_(std::move(lanes)),
        answer_timer_(supervisor, [this] { on_answers(); }) {}
  void make_queues();
  void tell_room() const {
    if (room_) room_();
  }
  [[nodiscard]] std::unique_ptr<LineQueue> make_queue(LineRing& ring, std::function<void()> wake);
  void send_orders();
  void send_upkeeps();
  void compress(Compression what);
  void on_ring();
  void on_answers();
  [[nodiscard]] bool under_way(const std::filesystem::path& path) const;

  loop::Loop& supervisor_;
  std::vector<routing::AccessLane*> lanes_;
  Source last_source_;
  std::function<void()> room_;
  std::uint64_t last_id_ = 0;
  std::list<Waiting> waiting_;                                                 // first come, first served
  std::unordered_map<std::string, std::list<Waiting>::iterator> waiting_for_;  // each, by its path
  std::map<std::uint64_t, UnderWay> under_way_;
  std::deque<spawn::Credentials> users_;  // the thread and the workers point to them
  Tell tell_;
  std::map<std::string, std::string> degraded_;  // causes, by path
  Compress compress_;
  std::deque<LogUpkeep> upkeeps_;  // that the thread had no place for yet
  loop::Timer answer_timer_;
  std::unique_ptr<loop::Wakeup> rung_;  // before the threads, which ring it until they end
  std::unique_ptr<StderrThread> stderr_;
  std::unique_ptr<Sinks> sinks_;
  std::unique_ptr<WriterThread> thread_;
  std::unique_ptr<LineQueue> to_files_;
  std::unique_ptr<LineQueue> to_stderr_;
  std::unique_ptr<LogReads> reads_;
};

base::Expected<std::unique_ptr<Writer::Impl>> Writer::Impl::start(loop::Loop& supervisor,
                                                                  WriterSettings settings) {
  std::unique_ptr<Impl> self(new Impl(supervisor, settings.lanes));
  auto rung = loop::Wakeup::create(supervisor, [s = self.get()] { s->on_ring(); });
  if (!rung) return std::unexpected(rung.error());
  self->rung_ = std::move(*rung);
  auto standard_error = StderrThread::start(*self->rung_);
  if (!standard_error) return std::unexpected(standard_error.error());
  self->stderr_ = std::move(*standard_error);
  auto sinks = Sinks::start(supervisor, *self->rung_, settings.opener, [s = self.get()] { s->tell_room(); });
  if (!sinks) return std::unexpected(sinks.error());
  self->sinks_ = std::move(*sinks);
  auto thread = WriterThread::start(*self->rung_, *self->stderr_, std::move(settings));
  if (!thread) return std::unexpected(thread.error());
  self->thread_ = std::move(*thread);
  self->make_queues();
  return self;
}

std::unique_ptr<LineQueue> Writer::Impl::make_queue(LineRing& ring, std::function<void()> wake) {
  return std::make_unique<LineQueue>(supervisor_, ring, std::move(wake), [this] { tell_room(); });
}

void Writer::Impl::make_queues() {
  to_files_ = make_queue(thread_->ring(), [t = thread_.get()] { t->wake(); });
  to_stderr_ = make_queue(stderr_->ring(), [t = stderr_.get()] { t->wake(); });
  reads_ = std::make_unique<LogReads>(thread_->readings(), [t = thread_.get()] { t->wake(); });
}

void Writer::Impl::append(const FilePolicy& policy, std::string_view text, Source source, bool now) {
  if (policy.sink != SinkKind::file) return sinks_->append(policy, text, now);
  LineQueue& queue = policy.path.empty() ? *to_stderr_ : *to_files_;
  queue.append(policy, text, source);
  if (now) queue.hand_over();
}

bool Writer::Impl::takes(const FilePolicy& policy) const noexcept {
  if (policy.sink != SinkKind::file) return sinks_->takes(policy);
  return (policy.path.empty() ? to_stderr_ : to_files_)->takes(policy);
}

Writer::Impl::~Impl() {
  if (to_stderr_ == nullptr) return;
  to_files_->hand_over();
  to_stderr_->hand_over();
  // The writer thread first, as it passes lines on to the other one.
  thread_->finish();
  stderr_->finish();
  // The threads have done everything in the rings; what was waiting for room is done here.
  for (const Lines& lines : to_files_->take_rest()) thread_->do_now(lines);
  for (const Lines& lines : to_stderr_->take_rest()) stderr_->do_now(lines);
  for (auto& waiting : waiting_) (void)thread_->do_now(Order{0, waiting.path, std::move(waiting.content)});
  sinks_->finish();  // last, since it may take a while
}

void Writer::Impl::on_ring() {
  on_answers();
  to_files_->look();
  to_stderr_->look();
  sinks_->look();
}

void Writer::Impl::order(const std::filesystem::path& path, std::string content, Done done) {
  auto [place, is_new] = waiting_for_.try_emplace(path.string());
  if (is_new) place->second = waiting_.insert(waiting_.end(), Waiting{path, {}, {}});
  auto same = place->second;
  same->content = std::move(content);
  if (done) same->done.push_back(std::move(done));
  send_orders();
}

bool Writer::Impl::under_way(const std::filesystem::path& path) const {
  return std::any_of(under_way_.begin(), under_way_.end(),
                     [&](const auto& entry) { return entry.second.path == path; });
}

void Writer::Impl::send_orders() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    if (under_way_.size() >= WriterThread::kOrders) break;
    if (under_way(next->path)) {
      ++next;
      continue;
    }
    waiting_for_.erase(next->path.string());
    bool pushed = thread_->push(Order{++last_id_, next->path, std::move(next->content)});
    assert(pushed);  // the ring holds kOrders
    (void)pushed;
    under_way_.emplace(last_id_, UnderWay{std::move(next->path), std::move(next->done)});
    next = waiting_.erase(next);
  }
  const bool awaited = !under_way_.empty() || (reads_ && reads_->busy());
  if (awaited && !answer_timer_.running()) answer_timer_.start(kAnswerCheck);
}

void Writer::Impl::send_upkeeps() {
  while (!upkeeps_.empty() && thread_->push(std::move(upkeeps_.front()))) upkeeps_.pop_front();
  if (!upkeeps_.empty() && !answer_timer_.running()) answer_timer_.start(kAnswerCheck);
}

void Writer::Impl::compress(Compression what) {
  if (!compress_) return thread_->compressed("nothing here does");
  compress_(std::move(what), [this](std::string trouble) { thread_->compressed(std::move(trouble)); });
}

void Writer::Impl::on_answers() {
  std::vector<std::pair<Done, base::Expected<void>>> calls;
  while (auto answer = thread_->pop_answer()) {
    auto found = under_way_.find(answer->id);
    if (found == under_way_.end()) continue;
    for (Done& done : found->second.done) calls.emplace_back(std::move(done), answer->result);
    under_way_.erase(found);
  }
  auto tell = [this](const Trouble& trouble) {
    if (trouble.cause.empty()) {
      degraded_.erase(trouble.path);
    } else {
      degraded_.insert_or_assign(trouble.path, trouble.cause);
    }
    if (tell_) tell_(trouble.path, trouble.cause);
  };
  while (auto trouble = thread_->pop_trouble()) tell(*trouble);
  while (auto trouble = sinks_->pop_trouble()) tell(*trouble);
  while (auto what = thread_->pop_compression()) compress(std::move(*what));
  send_upkeeps();
  send_orders();
  // Last, since they may order more.
  for (auto& [done, result] : calls) done(std::move(result));
  if (reads_) reads_->look();
}

const spawn::Credentials* Writer::Impl::user(const spawn::Credentials& who) {
  auto same = [&who](const spawn::Credentials& known) {
    return known.uid == who.uid && known.gid == who.gid && known.groups == who.groups &&
           known.name == who.name;
  };
  auto known = std::find_if(users_.begin(), users_.end(), same);
  return known != users_.end() ? &*known : &users_.emplace_back(who);
}

base::Expected<std::unique_ptr<Writer>> Writer::start(loop::Loop& supervisor, WriterSettings settings) {
  auto impl = Impl::start(supervisor, std::move(settings));
  if (!impl) return std::unexpected(impl.error());
  return std::unique_ptr<Writer>(new Writer(std::move(*impl)));
}

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::~Writer() = default;

void Writer::append(const FilePolicy& policy, std::string_view text, Source source) {
  impl_->append(policy, text, source, false);
}

void Writer::append_now(const FilePolicy& policy, std::string_view text) {
  impl_->append(policy, text, {}, true);
}

bool Writer::takes(const FilePolicy& policy) const noexcept {
  return impl_->takes(policy);
}

void Writer::on_room(std::function<void()> room) {
  impl_->on_room(std::move(room));
}

Source Writer::new_source() noexcept {
  return impl_->new_source();
}

void Writer::replace(const std::filesystem::path& path, std::string content,
                     std::function<void(base::Expected<void>)> done) {
  impl_->order(path, std::move(content), std::move(done));
}

void Writer::reopen() {
  impl_->order({}, {}, nullptr);
}

std::uint64_t Writer::read(LogReading what, std::function<void(LogRead)> done) {
  return impl_->read(std::move(what), std::move(done));
}

void Writer::cancel_read(std::uint64_t id) {
  impl_->reads().cancel(id);
}

std::uint64_t Writer::read_steps() const noexcept {
  return impl_->reads().steps();
}

const spawn::Credentials* Writer::user(const spawn::Credentials& who) {
  return impl_->user(who);
}

void Writer::use_sinks(const std::string& app, const std::vector<FilePolicy>& sinks) {
  impl_->use_sinks(app, sinks);
}

void Writer::keep(LogUpkeep upkeep) {
  impl_->keep(std::move(upkeep));
}

void Writer::on_compress(Compress compress) {
  impl_->on_compress(std::move(compress));
}

void Writer::tend_old_files(bool tend) noexcept {
  impl_->tend_old_files(tend);
}

void Writer::on_degraded(Tell tell) {
  impl_->on_degraded(std::move(tell));
}

const std::map<std::string, std::string>& Writer::degraded() const noexcept {
  return impl_->degraded();
}

void Writer::wake() noexcept {
  impl_->wake();
}

std::uint64_t Writer::dropped_lines() const {
  return impl_->dropped_lines();
}

}  // namespace gracevisor::output
