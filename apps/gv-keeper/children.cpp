#include "children.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
namespace gracevisor::keeper {

Ending look_at(pid_t child) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return {};
  if (info.si_pid != child) return {};
  if (info.si_code == CLD_EXITED) return {How::exited, info.si_status & 255};
  return {info.si_code == CLD_DUMPED ? How::dumped : How::killed, info.si_status};
}

void give_up(pid_t child) {
  siginfo_t info{};
  (void)::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG);
}

std::size_t Row::descriptors(int (&into)[4], std::uint32_t& parts) const {
  const int all[] = {pidfd, out, err, report};
  const std::uint32_t bits[] = {kPidfd, kOut, kErr, kReport};
  std::size_t count = 0;
  parts = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    if (all[i] < 0) continue;
    into[count++] = all[i];
    parts |= bits[i];
  }
  return count;
}

Row* Children::find(pid_t pid) {
  for (std::uint32_t i = 0; i < end_; ++i) {
    if (pids_[i] == pid) return &rows_[i];
  }
  return nullptr;
}

Row* Children::find(const Tag& tag) {
  for (std::uint32_t i = 0; i < end_; ++i) {
    if (rows_[i].used() && same_row(rows_[i].tag, tag)) return &rows_[i];
  }
  return nullptr;
}

Row* Children::from(std::uint32_t number, std::uint32_t& found) {
  for (found = number; found < end_; ++found) {
    if (rows_[found].used()) return &rows_[found];
  }
  return nullptr;
}

Row* Children::room() {
  std::uint32_t free = 0;
  while (free < end_ && rows_[free].used()) ++free;
  if (free == kMostChildren) return nullptr;
  if (free == end_) ++end_;
  return &rows_[free];
}

void Children::add(const Row& row) {
  pids_[number_of(row)] = row.pid;
  ++used_;
  ++living_;
}

void Children::remove(Row& row) {
  give_up(row.pid);
  told(row);
  --used_;
  int held[4];
  std::uint32_t parts = 0;
  for (std::size_t i = row.descriptors(held, parts); i > 0; --i) (void)::close(held[i - 1]);
  pids_[number_of(row)] = 0;
  row = Row{};
}

void Children::look() {
  for (std::uint32_t i = 0; i < end_; ++i) {
    Row& row = rows_[i];
    if (!row.used() || !row.lives()) continue;
    row.ending = look_at(row.pid);
    if (row.lives()) continue;
    --living_;
    ++untold_;
    row.untold = true;
  }
}

void Children::retell() {
  for (std::uint32_t i = 0; i < end_; ++i) {
    Row& row = rows_[i];
    if (!row.used() || row.lives() || row.untold) continue;
    row.untold = true;
    ++untold_;
  }
}

Row* Children::untold() {
  if (untold_ == 0) return nullptr;
  for (std::uint32_t i = 0; i < end_; ++i) {
    if (rows_[i].untold) return &rows_[i];
  }
  return nullptr;
}

void Children::told(Row& row) {
  if (!row.untold) return;
  row.untold = false;
  --untold_;
}

void Children::signal_groups(int number) {
  for (std::uint32_t i = 0; i < end_; ++i) {
    if (rows_[i].used()) (void)::kill(-rows_[i].pid, number);
  }
}

}  // namespace gracevisor::keeper
