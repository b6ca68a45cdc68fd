// A connection's place in a list that is ordered by the moment at which each became idle. Entering and
// leaving take O(1) and allocate nothing. The list is a ring through its anchor, which stands for no
// connection. Thread: the worker's.
#pragma once

namespace gracevisor::proxy {

template <class T>
class IdleRank {
 public:
  // Null: an anchor.
  explicit IdleRank(T* of) noexcept : of_(of) {}
  IdleRank(const IdleRank&) = delete;
  IdleRank& operator=(const IdleRank&) = delete;
  ~IdleRank() { leave(); }

  // Enters as the newest. Requires: it is in no list.
  void enter(IdleRank& anchor) noexcept {
    older_ = anchor.older_;
    newer_ = &anchor;
    older_->newer_ = this;
    anchor.older_ = this;
  }
  // Does nothing when it is in no list.
  void leave() noexcept {
    older_->newer_ = newer_;
    newer_->older_ = older_;
    older_ = newer_ = this;
  }

  // Called on an anchor: null when the list is empty.
  [[nodiscard]] T* newest() const noexcept { return older_->of_; }
  [[nodiscard]] T* oldest() const noexcept { return newer_->of_; }

 private:
  T* of_;
  // The anchor sits behind the newest and before the oldest.
  IdleRank* older_ = this;
  IdleRank* newer_ = this;
};

}  // namespace gracevisor::proxy
