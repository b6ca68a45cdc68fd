#include "proxy/access_outbox.h"

#include <algorithm>
#include <utility>

namespace gracevisor::proxy {

AccessOutbox::AccessOutbox(loop::Loop& loop, routing::AccessLane& lane, std::function<void()> ring_writer)
    : lane_(lane), ring_writer_(std::move(ring_writer)), due_(loop, [this] { hand_over_all(); }) {}

AccessOutbox::~AccessOutbox() {
  hand_over_all();
}

void AccessOutbox::add(const routing::AccessSink& sink, const AccessRecord& record) {
  Open& open = open_batch(sink);
  append_access_line(sink.format, record, open.batch.text);
  ++open.lines;
  if (open.batch.text.size() < kBatch) {
    if (!due_.running()) due_.start(kDelay);
    return;
  }
  if (hand_over(open)) {
    if (ring_writer_) ring_writer_();
    open_.erase(open_.begin() + (&open - open_.data()));
  }
}

AccessOutbox::Open& AccessOutbox::open_batch(const routing::AccessSink& sink) {
  auto found = std::find_if(open_.begin(), open_.end(), [&](const Open& o) { return o.batch.to == sink; });
  if (found != open_.end()) return *found;
  Open& open = open_.emplace_back();
  if (auto spent = lane_.spent.pop()) open.batch = std::move(*spent);
  open.batch.to = sink;
  open.batch.text.clear();
  open.batch.dropped_lines = open.batch.dropped_bytes = 0;
  if (open.batch.text.capacity() < kBatch + kLongestAccessLine) {
    open.batch.text.reserve(kBatch + kLongestAccessLine);
  }
  return open;
}

bool AccessOutbox::hand_over(Open& open) {
  routing::AccessBatch& batch = open.batch;
  std::uint64_t size = batch.text.size();
  bool room = sent_bytes_ - lane_.taken.read() + size <= routing::AccessLane::kMaxBytes;
  if (room && lane_.filled.push(std::move(batch))) {
    sent_bytes_ += size;
    return true;
  }
  lane_.dropped.add(open.lines);
  batch.dropped_lines += std::exchange(open.lines, 0);  // NOLINT(bugprone-use-after-move): refused, untouched
  batch.dropped_bytes += size;
  batch.text.clear();
  return false;
}

void AccessOutbox::hand_over_all() {
  std::size_t before = open_.size();
  std::erase_if(open_, [this](Open& open) { return hand_over(open); });
  if (open_.size() < before && ring_writer_) ring_writer_();
  // Dropped lines must be reported even if no further line comes.
  if (open_.empty()) {
    due_.stop();
  } else {
    due_.start(kDelay);
  }
}

}  // namespace gracevisor::proxy
