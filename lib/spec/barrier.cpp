#include "spec/barrier.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <system_error>

namespace gracevisor::spec {
namespace {

// May the user enter the folder, or execute the file? What cannot be looked at bars no one.
bool lets_pass(const std::filesystem::path& path, const Credentials& user) {
  struct stat st{};
  if (::stat(path.c_str(), &st) != 0) return true;
  if (::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) > 0) return true;
  if (st.st_uid == user.uid) return (st.st_mode & S_IXUSR) != 0;
  const bool member = st.st_gid == user.gid || std::ranges::find(user.groups, st.st_gid) != user.groups.end();
  return (st.st_mode & (member ? S_IXGRP : S_IXOTH)) != 0;
}

std::optional<std::filesystem::path> closed_folder(const std::filesystem::path& file,
                                                   const Credentials& user) {
  std::filesystem::path folder;
  for (const auto& part : file.parent_path()) {
    folder /= part;
    if (!lets_pass(folder, user)) return folder;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> barrier(const std::filesystem::path& file, const Credentials& user) {
  if (user.uid == 0) return std::nullopt;  // its capabilities decide
  const std::string who = user.name.empty() ? fmt::format("uid {}", user.uid) : user.name;
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(file, failed);
  if (failed) return std::nullopt;
  // Both the way that is written and, behind its links, the one that it takes.
  for (const auto& way : {file, real}) {
    if (auto folder = closed_folder(way, user))
      return fmt::format("{} cannot enter {}", who, folder->string());
  }
  if (!lets_pass(real, user)) return fmt::format("{} cannot execute {}", who, real.string());
  return std::nullopt;
}

}  // namespace gracevisor::spec
