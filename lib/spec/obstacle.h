// What kept a program from being executed, in words. The kernel only says "No such file or directory" of a
// script that exists, or "Permission denied" without the folder; this walks the path once as the kernel does,
// with the rights of the app's user, and names the first step that fails. It judges by modes alone: where an
// access list or a security module decides, nothing is found; a check asks the same before anything is
// started.
//
// Files and links may belong to hostile users: at most kFirstBytes are read of a file, and only a line that
// begins with "#!" is repeated. Thread: any; looks at the disk.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "spawn/exit_status.h"
#include "spawn/plan.h"

namespace gracevisor::spec {

inline constexpr std::size_t kFirstBytes = 256;

// One name in a folder; a link is not followed.
struct FileEntry {
  enum class Kind : std::uint8_t { missing, folder, file, link, other };
  Kind kind = Kind::missing;
  mode_t mode = 0;  // the permission bits
  uid_t owner = 0;
  gid_t group = 0;
  std::string target = {};  // of a link
  bool listed = false;      // an access list may grant more than the mode
};

class Disk {
 public:
  virtual ~Disk() = default;
  // `path` is absolute, and no folder on its way is a link.
  [[nodiscard]] virtual FileEntry look(const std::string& path) const = 0;
  // Of a regular file; empty if it cannot be read.
  [[nodiscard]] virtual std::string first_bytes(const std::string& path) const = 0;
  // Does its mount forbid to execute files?
  [[nodiscard]] virtual bool is_mounted_noexec(const std::string& path) const = 0;
};

// The disk of this machine.
class RealDisk final : public Disk {
 public:
  [[nodiscard]] FileEntry look(const std::string& path) const override;
  [[nodiscard]] std::string first_bytes(const std::string& path) const override;
  [[nodiscard]] bool is_mounted_noexec(const std::string& path) const override;
};

// The daemon's own, with the groups that an access check counts.
[[nodiscard]] spawn::Credentials own_rights();

// "/srv/run.sh: its interpreter /usr/bin/nopython does not exist"; empty: no obstacle was found. `who`: whose
// rights count. `code`: the errno value of execve(2); 0: it was not tried.
[[nodiscard]] std::string why_not_executed(const Disk& disk, const spawn::Credentials& who,
                                           const std::string& program, int code);
// "nobody cannot enter /root"; empty: no obstacle was found.
[[nodiscard]] std::string why_not_entered(const Disk& disk, const spawn::Credentials& who,
                                          const std::string& directory);

// Did it fail at a step that a path, or a right that is missing, can explain?
[[nodiscard]] bool needs_words(const spawn::SpawnFailed& failed);
// `failed` with its cause in words, if one is found. `plan`: what was to be started.
[[nodiscard]] spawn::SpawnFailed explained(const Disk& disk, const spawn::SpawnPlan& plan,
                                           spawn::SpawnFailed failed);

}  // namespace gracevisor::spec
