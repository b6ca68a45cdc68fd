// The listening control socket's file: no client can connect before its owner and mode are right, and the
// path changes atomically. The caller holds the runtime folder's InstanceLock. Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/error.h"
#include "base/unique_fd.h"
#include "control/access.h"

namespace gracevisor::control {

class ControlSocket {
 public:
  // An error if a process already answers at `path`, or if `path` exists and is not a socket. A stale socket
  // is replaced.
  [[nodiscard]] static base::Expected<ControlSocket> open(const std::filesystem::path& path,
                                                          const AccessPolicy& policy);
  // One that a former daemon opened there, if the file is still at the path. The runtime folder is ours, so
  // that no other process has put its own there.
  [[nodiscard]] static base::Expected<ControlSocket> take_over(const std::filesystem::path& path,
                                                               base::UniqueFd fd);
  ControlSocket(ControlSocket&& other) noexcept;
  ControlSocket& operator=(ControlSocket&&) = delete;
  // Removes the file, unless another socket has taken its place.
  ~ControlSocket();

  // Is the file at the path still this socket's?
  [[nodiscard]] bool in_place() const;
  // Gives up the file: the destructor leaves it alone.
  void forget() noexcept { path_.clear(); }
  // Listening and non-blocking.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  ControlSocket(std::filesystem::path path, base::UniqueFd fd) noexcept;

  std::filesystem::path path_;  // empty: moved from, or forgotten
  base::UniqueFd fd_;
  dev_t device_ = 0;  // of the file
  ino_t inode_ = 0;
};

}  // namespace gracevisor::control
