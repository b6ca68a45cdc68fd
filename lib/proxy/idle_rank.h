// A place in a list of connections by the moment at which they became idle; entered and left in O(1) and
// without allocation. The list is a ring through its anchor, which stands for no connection. Thread: the
// worker's.
#pragma once

namespace gracevisor::proxy {

class Upstream;

class IdleRank {
 public:
  // Null: an anchor.
  explicit IdleRank(Upstream* of) noexcept : of_(of) {}
  IdleRank(const IdleRank&) = delete;
  IdleRank& operator=(const IdleRank&) = delete;
  ~IdleRank() { leave(); }

  // As the newest. Requires: it is in no list.
  void enter(IdleRank& anchor) noexcept {
    older_ = anchor.older_;
    newer_ = &anchor;
    older_->newer_ = this;
    anchor.older_ = this;
  }
  void leave() noexcept {
    older_->newer_ = newer_;
    newer_->older_ = older_;
    older_ = newer_ = this;
  }

  // Of an anchor: null when the list is empty.
  [[nodiscard]] Upstream* newest() const noexcept { return older_->of_; }
  [[nodiscard]] Upstream* oldest() const noexcept { return newer_->of_; }

 private:
  Upstream* of_;
  // The anchor comes behind the newest and before the oldest.
  IdleRank* older_ = this;
  IdleRank* newer_ = this;
};

}  // namespace gracevisor::proxy
