#include "config/file_trust.h"

#include <fmt/format.h>

#include "base/accounts.h"

namespace gracevisor::config {
namespace {

std::string_view noun(const struct stat& status) {
  return S_ISDIR(status.st_mode) ? "folder" : "file";
}

std::string owner_text(uid_t owner) {
  std::string name = base::user_name(owner);
  return name.empty() ? fmt::format("uid {}", owner) : fmt::format("{} (uid {})", name, owner);
}

}  // namespace

bool FileTrust::allows(const std::filesystem::path& path, const struct stat& status) {
  return mode_allows(path, status) && owner_allows(path, status);
}

// An ordinary user's files may be group-writable, since on many systems the group is that user alone.
bool FileTrust::mode_allows(const std::filesystem::path& path, const struct stat& status) {
  const mode_t others = user_->root() ? S_IWGRP | S_IWOTH : S_IWOTH;
  if ((status.st_mode & others) == 0) return true;
  const auto mode = static_cast<unsigned>(status.st_mode & 07777U);
  findings_->error(
      {path.string(), 1, 1},
      user_->root()
          ? fmt::format("the {} can be written by its group or by others (mode {:04o}), and the daemon is "
                        "root: chmod go-w {}",
                        noun(status), mode, path.string())
          : fmt::format("the {} can be written by everyone (mode {:04o}): chmod o-w {}", noun(status), mode,
                        path.string()));
  return false;
}

bool FileTrust::owner_allows(const std::filesystem::path& path, const struct stat& status) {
  const uid_t owner = status.st_uid;
  const bool ours = owner == 0 || owner == user_->uid;
  if (!ours && !main_owner_ && !user_->config_owner) {
    if (user_->root()) {
      findings_->warning({path.string(), 1, 1},
                         fmt::format("the {} belongs to {}, who can have the daemon, which is root, do "
                                     "anything",
                                     noun(status), owner_text(owner)));
    }
  } else if (!ours && owner != (main_owner_ ? *main_owner_ : *user_->config_owner)) {
    findings_->error(
        {path.string(), 1, 1},
        fmt::format("the {} belongs to {}, and neither to root nor to the daemon's user{}", noun(status),
                    owner_text(owner), main_owner_ ? " nor to the owner of the main file" : ""));
    return false;
  }
  if (!main_owner_) main_owner_ = owner;
  return true;
}

}  // namespace gracevisor::config
