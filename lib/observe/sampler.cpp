#include "observe/sampler.h"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>
#include <vector>

#include "base/thread_start.h"

namespace gracevisor::observe {
namespace {

constexpr base::Duration kEvery = UsageBook::kWindow;
constexpr base::Duration kSoon = std::chrono::seconds(1);
constexpr base::Duration kForMemory = std::chrono::milliseconds(20);

}  // namespace

Sampler::Sampler(std::function<void()> ring)
    : ring_(std::move(ring)), usage_(static_cast<double>(::sysconf(_SC_CLK_TCK))) {}

base::Expected<std::unique_ptr<Sampler>> Sampler::start(std::function<void()> ring) {
  std::unique_ptr<Sampler> self(new Sampler(std::move(ring)));
  auto loop = loop::Loop::create();
  if (!loop) return std::unexpected(loop.error());
  self->loop_ = std::move(*loop);
  auto news = loop::Wakeup::create(*self->loop_, [s = self.get()] { s->on_news(); });
  if (!news) return std::unexpected(news.error());
  self->news_ = std::move(*news);
  self->due_ = std::make_unique<loop::Timer>(*self->loop_, [s = self.get()] { s->look(); });
  auto thread = base::start_thread("gv-sampler", [s = self.get()] { s->loop_->run(); });
  if (!thread) return std::unexpected(thread.error());
  self->thread_ = std::move(*thread);
  return self;
}

Sampler::~Sampler() {
  if (thread_.joinable()) {
    end_.put(std::make_unique<bool>(true));
    news_->ring();
    thread_.join();
  }
  due_.reset();
  news_.reset();
  if (loop_) {
    const int closed = loop_->close();
    assert(closed == 0);
    (void)closed;
  }
}

void Sampler::watch(Watched processes) {
  orders_.put(std::make_unique<Watched>(std::move(processes)));
  news_->ring();
}

void Sampler::on_news() {
  if (end_.take() != nullptr) {
    loop_->stop();
    return;
  }
  auto order = orders_.take();
  if (order == nullptr) return;
  watched_ = std::move(*order);
  again_ = true;
  // Many may start one after the other: they are looked at together.
  const base::Duration since = std::chrono::steady_clock::now() - looked_at_;
  due_->start(since >= kSoon ? base::Duration::zero() : kSoon - since);
}

void Sampler::look() {
  if (watched_.empty()) {
    due_->stop();
    return;
  }
  looked_at_ = std::chrono::steady_clock::now();
  const inspect::ProcessTable table = inspect::read_process_table();
  std::map<ProcessKey, inspect::ProcessTable::Members> trees;
  std::vector<const base::ProcessEntry*> all;
  for (const ProcessKey& main : watched_) {
    auto members = tree_of(table, main);
    if (members.empty()) continue;
    // The memory of one that waits for a disk may be locked: whoever asks for it would wait, too.
    std::ranges::copy_if(members, std::back_inserter(all), [](const auto* one) { return one->state != 'D'; });
    trees.emplace(main, std::move(members));
  }
  memory_.look(all, kForMemory);
  std::map<ProcessKey, TreeSeen> seen;
  for (const auto& [main, members] : trees) {
    TreeSeen& tree = seen[main];
    tree.processes = static_cast<unsigned>(members.size());
    for (const base::ProcessEntry* member : members) {
      tree.ran += member->ran;
      tree.memory += memory_.of(*member);
    }
  }
  usage_.note(std::chrono::steady_clock::now(), seen);
  samples_.put(std::make_unique<Sample>(usage_.usage()));
  ring_();
  due_->start(std::exchange(again_, false) ? kSoon : kEvery);
}

}  // namespace gracevisor::observe
