// The table of children. A row is in use from the fork until it is reaped by order, so a child that has ended
// stays a zombie, and its number means nobody else. Never more than one row of an app, generation and slot.
// Thread: the keeper's only one.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "keeper/protocol.h"

namespace gracevisor::keeper {

// How this child ended; it stays a zombie. `lives`: it did not, or is no child.
[[nodiscard]] Ending look_at(pid_t child);
// Gives up its number.
void give_up(pid_t child);

struct Row {
  Tag tag;
  pid_t pid;  // 0: not in use
  int pidfd;  // and the read ends; -1: none
  int out;
  int err;
  int report;
  Ending ending;
  bool untold;  // the owner has not heard of its end

  [[nodiscard]] bool used() const { return pid != 0; }
  [[nodiscard]] bool lives() const { return ending.how == How::lives; }
  // The descriptors that it has, in the order of Part; returns how many.
  std::size_t descriptors(int (&into)[4], std::uint32_t& parts) const;
};

class Children {
 public:
  // Null: there is none.
  [[nodiscard]] Row* find(pid_t pid);
  [[nodiscard]] Row* find(const Tag& tag);
  // The first one in use from this number on, and its number.
  [[nodiscard]] Row* from(std::uint32_t number, std::uint32_t& found);
  // One that is not in use, all zero; null: the table is full. It counts once it was added.
  [[nodiscard]] Row* room();
  // Requires: its pid is set.
  void add(const Row& row);
  // Requires: it has ended. Closes what it holds.
  void remove(Row& row);

  // Finds out which have ended.
  void look();
  // All that have ended are told again.
  void retell();
  [[nodiscard]] Row* untold();
  void told(Row& row);
  // To the group of each that is in the table.
  void signal_groups(int number);

  [[nodiscard]] std::uint32_t count() const { return used_; }
  [[nodiscard]] std::uint32_t living() const { return living_; }

 private:
  [[nodiscard]] std::uint32_t number_of(const Row& row) const {
    return static_cast<std::uint32_t>(&row - rows_);
  }

  Row rows_[kMostChildren] = {};
  pid_t pids_[kMostChildren] = {};  // of the rows, side by side: they are looked through for every child
  std::uint32_t end_ = 0;           // no row from here on was ever used
  std::uint32_t used_ = 0;
  std::uint32_t living_ = 0;
  std::uint32_t untold_ = 0;
};

}  // namespace gracevisor::keeper
