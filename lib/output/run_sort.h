// A stable sort in small steps, of keys that are mostly in order already: it merges the runs that it finds,
// pair by pair, until there is one. Pure. Thread: any one.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace gracevisor::output {

template <class Key>
class RunSort {
 public:
  struct Item {
    Key key;
    std::size_t place;  // in the order of add()
  };

  void add(const Key& key) {
    if (items_.empty() || key < items_.back().key) begins_.push_back(items_.size());
    items_.push_back({key, items_.size()});
  }
  // After all add(). Moves at most so many items. False: sorted.
  [[nodiscard]] bool step(std::size_t most) {
    for (; begins_.size() > 1 && most > 0; --most) move_one();
    return begins_.size() > 1;
  }
  // Once they are.
  [[nodiscard]] const std::vector<Item>& items() const noexcept { return items_; }

 private:
  [[nodiscard]] std::size_t begin_of(std::size_t run) const {
    return run < begins_.size() ? begins_[run] : items_.size();
  }
  void move_one() {
    if (left_ == left_end_ && right_ == right_end_) {
      if (run_ >= begins_.size()) return end_pass();
      merged_begins_.push_back(merged_.size());
      left_ = begin_of(run_);
      left_end_ = right_ = begin_of(run_ + 1);
      right_end_ = begin_of(run_ + 2);
      run_ += 2;
    }
    const bool from_right =
        left_ == left_end_ || (right_ < right_end_ && items_[right_].key < items_[left_].key);
    merged_.push_back(items_[from_right ? right_++ : left_++]);
  }
  void end_pass() {
    std::swap(items_, merged_);
    std::swap(begins_, merged_begins_);
    merged_.clear();
    merged_begins_.clear();
    run_ = left_ = left_end_ = right_ = right_end_ = 0;
  }

  std::vector<Item> items_;
  std::vector<std::size_t> begins_;  // of the runs in it
  std::vector<Item> merged_;         // in this pass
  std::vector<std::size_t> merged_begins_;
  std::size_t run_ = 0;  // the next one
  std::size_t left_ = 0;
  std::size_t left_end_ = 0;
  std::size_t right_ = 0;
  std::size_t right_end_ = 0;
};

}  // namespace gracevisor::output
