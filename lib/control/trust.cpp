#include "control/trust.h"

#include <sys/stat.h>

#include <deque>
#include <system_error>
#include <utility>

namespace gracevisor::control {
namespace {

bool guarded(const std::filesystem::path& folder, uid_t listener, uid_t self) {
  struct stat st{};
  if (::lstat(folder.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) return false;
  bool of_theirs = st.st_uid == 0 || st.st_uid == self || st.st_uid == listener;
  return of_theirs && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Whether every folder on the way to `end` is guarded, those of links included: each step is taken from a
// guarded folder alone, so that whoever laid a link there is one of them.
bool way_is_guarded(const std::filesystem::path& end, uid_t listener, uid_t self) {
  constexpr int kMostLinks = 40;  // as Linux has it: path_resolution(7)
  std::filesystem::path here = "/";
  std::deque<std::filesystem::path> steps(end.begin(), end.end());
  int links = 0;
  while (guarded(here, listener, self)) {
    if (steps.empty()) return true;
    const std::filesystem::path step = std::move(steps.front());
    steps.pop_front();
    if (step.empty() || step == ".") continue;
    if (step.is_absolute()) {
      here = "/";
      continue;
    }
    const std::filesystem::path next = step == ".." ? here.parent_path() : here / step;
    std::error_code error;
    const bool link = std::filesystem::is_symlink(next, error);
    if (error || (link && ++links > kMostLinks)) return false;
    if (!link) {
      here = next;
      continue;
    }
    const std::filesystem::path target = std::filesystem::read_symlink(next, error);
    if (error) return false;
    steps.insert(steps.begin(), target.begin(), target.end());
  }
  return false;
}

}  // namespace

bool may_be_believed(uid_t listener, uid_t self, const std::filesystem::path& socket) {
  if (listener == 0 || listener == self) return true;
  std::error_code error;
  const auto whole = std::filesystem::absolute(socket, error);
  return !error && way_is_guarded(whole.parent_path(), listener, self);
}

}  // namespace gracevisor::control
