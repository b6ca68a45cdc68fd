#include "output/sinks.h"

#include <algorithm>

namespace gracevisor::output {
namespace {

constexpr base::Duration kLookAtSinks = std::chrono::seconds(1);

std::uint64_t lines_in(std::string_view text) {
  Dropped gone;
  gone.add(text);
  return gone.lines;
}

}  // namespace

base::Expected<std::unique_ptr<Sinks>> Sinks::start(loop::Loop& loop, loop::Wakeup& news,
                                                    std::shared_ptr<const LogOpener> opener,
                                                    std::function<void()> on_room, base::Duration patience) {
  std::unique_ptr<Sinks> self(new Sinks(loop, std::move(on_room), patience));
  auto thread = SinkThread::start(news, std::move(opener));
  if (!thread) return std::unexpected(thread.error());
  self->thread_ = std::move(*thread);
  return self;
}

// Null: the thread has no place for a new one just now.
LineQueue* Sinks::queue_for(const FilePolicy& policy) {
  const Where to = where(policy);
  if (const auto known = used_.find(to); known != used_.end()) return known->second.queue.get();
  Sink* sink = thread_->add(policy);
  if (sink == nullptr) return nullptr;
  auto queue = std::make_unique<LineQueue>(
      loop_, sink->ring(), [t = thread_.get()] { t->wake(); }, [this] { on_room_(); });
  return used_.emplace(to, At{sink, std::move(queue)}).first->second.queue.get();
}

void Sinks::append(const FilePolicy& policy, std::string_view text, bool now) {
  LineQueue* queue = queue_for(policy);
  if (queue == nullptr) {
    gone_ += lines_in(text);
    return;
  }
  queue->append(policy, text, {});
  if (now) queue->hand_over();
}

bool Sinks::takes(const FilePolicy& policy) const noexcept {
  const auto known = std::ranges::find_if(used_, [&policy](const auto& one) {
    return one.first.first == policy.sink && one.first.second == policy.path.native();
  });
  return known == used_.end() || known->second.queue->takes(policy);
}

void Sinks::use(const std::string& app, const std::vector<FilePolicy>& sinks) {
  std::set<Where> wanted;
  for (const FilePolicy& policy : sinks) wanted.insert(where(policy));
  if (wanted.empty()) {
    users_.erase(app);
  } else {
    users_.insert_or_assign(app, std::move(wanted));
  }
  for (auto next = used_.begin(); next != used_.end();) {
    const bool needed =
        std::ranges::any_of(users_, [&next](const auto& user) { return user.second.contains(next->first); });
    if (!needed) leave(std::move(next->second));
    next = needed ? std::next(next) : used_.erase(next);
  }
}

void Sinks::leave(At at) {
  at.queue->hand_over();
  at.until = loop_.now() + patience_;
  leaving_.push_back(std::move(at));
  if (!timer_.running()) timer_.start(kLookAtSinks);
}

void Sinks::look() {
  for (auto& [to, at] : used_) at.queue->look();
  for (At& at : leaving_) {
    at.queue->look();
    if (at.ending || (!at.queue->empty() && loop_.now() < at.until)) continue;
    at.ending = true;
    thread_->end(*at.sink);
  }
  while (auto sink = thread_->pop_ended()) let_go(*sink);
  if (!leaving_.empty() && !timer_.running()) timer_.start(kLookAtSinks);
}

void Sinks::let_go(const Sink* sink) {
  const auto at = std::ranges::find(leaving_, sink, &At::sink);
  if (at == leaving_.end()) return;
  gone_ += at->queue->dropped_lines() + sink->lost();
  for (const Lines& lines : at->queue->take_rest()) gone_ += lines_in(lines.text);
  leaving_.erase(at);
  thread_->forget(sink);
}

std::uint64_t Sinks::dropped_lines() const noexcept {
  std::uint64_t dropped = gone_ + thread_->lost();
  for (const auto& [to, at] : used_) dropped += at.queue->dropped_lines();
  for (const At& at : leaving_) dropped += at.queue->dropped_lines();
  return dropped;
}

void Sinks::finish() {
  thread_->finish();
  auto add_rest = [](const At& at) {
    for (Lines& lines : at.queue->take_rest()) at.sink->add_rest(std::move(lines));
  };
  for (const auto& [to, at] : used_) add_rest(at);
  for (const At& at : leaving_) {
    if (!at.ending) add_rest(at);
  }
  thread_->send_rest();
}

}  // namespace gracevisor::output
