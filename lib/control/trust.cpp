#include "control/trust.h"

#include <sys/stat.h>

#include <system_error>

namespace gracevisor::control {
namespace {

bool guarded(const std::filesystem::path& folder, uid_t listener, uid_t self) {
  struct stat st{};
  if (::lstat(folder.c_str(), &st) != 0 || !S_ISDIR(st.st_mode)) return false;
  bool of_theirs = st.st_uid == 0 || st.st_uid == self || st.st_uid == listener;
  return of_theirs && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

bool may_be_believed(uid_t listener, uid_t self, const std::filesystem::path& socket) {
  if (listener == 0 || listener == self) return true;
  std::error_code error;
  // Links are resolved: a link is no safer than the folder it lies in, but it does lead here.
  auto folder = std::filesystem::canonical(socket.has_parent_path() ? socket.parent_path() : ".", error);
  if (error) return false;
  for (; folder.has_relative_path(); folder = folder.parent_path()) {
    if (!guarded(folder, listener, self)) return false;
  }
  return guarded(folder, listener, self);
}

}  // namespace gracevisor::control
