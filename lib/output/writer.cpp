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
#include "output/writer_thread.h"

namespace gracevisor::output {
namespace {

// Lines on their way: beyond it a slow disk costs lines, not memory.
constexpr std::uint64_t kMaxQueued = 8ULL << 20;
// How long the mark of dropped lines waits for room when no further line carries it.
constexpr base::Duration kGapRetry = std::chrono::milliseconds(100);
// Answers are looked for this often while some are outstanding, in case a ring was lost.
constexpr base::Duration kAnswerCheck = std::chrono::seconds(1);

using Done = std::function<void(base::Expected<void>)>;

}  // namespace

// The supervisor's side.
//
// An order waits until no order for the same path is under way and fewer than kOrders are; while it waits, a
// newer one for its path takes its place and inherits who wants to know. So there are at most two orders per
// path, and the newest content always gets written last.
class Writer::Impl {
 public:
  [[nodiscard]] static base::Expected<std::unique_ptr<Impl>> start(loop::Loop& supervisor,
                                                                   std::vector<routing::AccessLane*> lanes,
                                                                   std::shared_ptr<const LogOpener> opener);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  void append(const FilePolicy& policy, std::string lines);
  void order(const std::filesystem::path& path, std::string content, Done done);
  [[nodiscard]] const spawn::Credentials* user(const spawn::Credentials& who);
  void on_degraded(Tell tell) { tell_ = std::move(tell); }
  void wake() noexcept { thread_->wake(); }
  [[nodiscard]] std::uint64_t dropped_lines() const {
    std::uint64_t dropped = refused_lines_ + thread_->lost();
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
  struct Gap {
    FilePolicy policy;
    Dropped dropped;
  };

  Impl(loop::Loop& supervisor, std::vector<routing::AccessLane*> lanes)
      : lanes_(std::move(lanes)),
        gap_timer_(supervisor, [this] { send_gaps(); }),
        answer_timer_(supervisor, [this] { on_answers(); }) {}
  [[nodiscard]] bool send(Lines&& lines);
  void send_gaps();
  void send_orders();
  void on_answers();
  [[nodiscard]] bool under_way(const std::filesystem::path& path) const;

  std::vector<routing::AccessLane*> lanes_;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t refused_lines_ = 0;
  std::uint64_t last_id_ = 0;
  std::map<std::filesystem::path, Gap> gaps_;  // what append() had to drop, until the thread knows
  std::list<Waiting> waiting_;                 // first come, first served
  std::unordered_map<std::string, std::list<Waiting>::iterator> waiting_for_;  // each, by its path
  std::map<std::uint64_t, UnderWay> under_way_;
  std::deque<spawn::Credentials> users_;  // the thread and the workers point to them
  Tell tell_;
  loop::Timer gap_timer_;
  loop::Timer answer_timer_;
  std::unique_ptr<loop::Wakeup> answered_;  // before thread_: the thread rings it to its end
  std::unique_ptr<WriterThread> thread_;
};

base::Expected<std::unique_ptr<Writer::Impl>> Writer::Impl::start(loop::Loop& supervisor,
                                                                  std::vector<routing::AccessLane*> lanes,
                                                                  std::shared_ptr<const LogOpener> opener) {
  std::unique_ptr<Impl> self(new Impl(supervisor, std::move(lanes)));
  auto answered = loop::Wakeup::create(supervisor, [s = self.get()] { s->on_answers(); });
  if (!answered) return std::unexpected(answered.error());
  self->answered_ = std::move(*answered);
  auto thread = WriterThread::start(*self->answered_, self->lanes_, std::move(opener));
  if (!thread) return std::unexpected(thread.error());
  self->thread_ = std::move(*thread);
  return self;
}

Writer::Impl::~Impl() {
  if (thread_ == nullptr) return;
  thread_->finish();
  // The thread did all that the rings held; what waited for room is done here.
  for (auto& [path, gap] : gaps_) thread_->do_now(Lines{gap.policy, {}, gap.dropped});
  for (auto& waiting : waiting_) (void)thread_->do_now(Order{0, waiting.path, std::move(waiting.content)});
}

void Writer::Impl::append(const FilePolicy& policy, std::string lines) {
  if (lines.empty()) return;
  auto gap = gaps_.find(policy.path);
  Lines job{policy, std::move(lines), gap == gaps_.end() ? Dropped{} : gap->second.dropped};
  if (send(std::move(job))) {
    if (gap != gaps_.end()) gaps_.erase(gap);
    return;
  }
  Dropped dropped;
  dropped.add(job.text);  // NOLINT(bugprone-use-after-move): a refused job is untouched
  refused_lines_ += dropped.lines;
  Gap& place = gaps_[policy.path];
  place.policy = policy;
  place.dropped.add(dropped);
  if (!gap_timer_.running()) gap_timer_.start(kGapRetry);
}

bool Writer::Impl::send(Lines&& lines) {
  std::uint64_t size = lines.text.size();
  if (sent_bytes_ - thread_->consumed() + size > kMaxQueued) return false;
  if (!thread_->push(std::move(lines))) return false;
  sent_bytes_ += size;
  return true;
}

void Writer::Impl::send_gaps() {
  std::erase_if(gaps_,
                [this](auto& entry) { return send(Lines{entry.second.policy, {}, entry.second.dropped}); });
  if (!gaps_.empty()) gap_timer_.start(kGapRetry);
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
  if (!under_way_.empty() && !answer_timer_.running()) answer_timer_.start(kAnswerCheck);
}

void Writer::Impl::on_answers() {
  std::vector<std::pair<Done, base::Expected<void>>> calls;
  while (auto answer = thread_->pop_answer()) {
    auto found = under_way_.find(answer->id);
    if (found == under_way_.end()) continue;
    for (Done& done : found->second.done) calls.emplace_back(std::move(done), answer->result);
    under_way_.erase(found);
  }
  while (auto trouble = thread_->pop_trouble()) {
    if (tell_) tell_(trouble->path, trouble->cause);
  }
  send_orders();
  // Last, since they may order more.
  for (auto& [done, result] : calls) done(std::move(result));
}

const spawn::Credentials* Writer::Impl::user(const spawn::Credentials& who) {
  auto same = [&who](const spawn::Credentials& known) {
    return known.uid == who.uid && known.gid == who.gid && known.groups == who.groups &&
           known.name == who.name;
  };
  auto known = std::find_if(users_.begin(), users_.end(), same);
  return known != users_.end() ? &*known : &users_.emplace_back(who);
}

base::Expected<std::unique_ptr<Writer>> Writer::start(loop::Loop& supervisor,
                                                      std::vector<routing::AccessLane*> lanes,
                                                      std::shared_ptr<const LogOpener> opener) {
  auto impl = Impl::start(supervisor, std::move(lanes), std::move(opener));
  if (!impl) return std::unexpected(impl.error());
  return std::unique_ptr<Writer>(new Writer(std::move(*impl)));
}

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::~Writer() = default;

void Writer::append(const FilePolicy& policy, std::string lines) {
  impl_->append(policy, std::move(lines));
}

void Writer::replace(const std::filesystem::path& path, std::string content,
                     std::function<void(base::Expected<void>)> done) {
  impl_->order(path, std::move(content), std::move(done));
}

void Writer::reopen() {
  impl_->order({}, {}, nullptr);
}

const spawn::Credentials* Writer::user(const spawn::Credentials& who) {
  return impl_->user(who);
}

void Writer::on_degraded(Tell tell) {
  impl_->on_degraded(std::move(tell));
}

void Writer::wake() noexcept {
  impl_->wake();
}

std::uint64_t Writer::dropped_lines() const {
  return impl_->dropped_lines();
}

}  // namespace gracevisor::output
