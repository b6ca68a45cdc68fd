// The Unix sockets of instances, below <runtime_dir>/apps (config/socket_path.h): paths for apps that bind
// one themselves, and listening sockets for apps that are given one.
//
// A path is leased to one incarnation and, like a port, returns only when its process group is gone, its
// endpoint is quiescent and no probe is out (the caller's duty); then its file is removed. A listening socket
// belongs to a slot of a generation and outlives incarnations: a connection that arrives between two of them
// waits in its backlog; and daemons, if there is a holder.
//
// If the app's user is not the daemon's, the folder of a generation belongs to that user (mode 0700) when the
// app binds, and to the daemon (0711) when it does not. In a user's folder the addresses are marked with
// their owner, so that a symbolic link in it cannot mislead the daemon. Thread: the supervisor's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "base/address.h"
#include "base/error.h"
#include "base/holder.h"
#include "base/unique_fd.h"
#include "routing/endpoint.h"
#include "spec/spec.h"

namespace gracevisor::supervise {

class SocketLeases {
 public:
  // `holder`, which may be null, holds the listening sockets for the next daemon.
  explicit SocketLeases(std::filesystem::path runtime_dir, base::Holder* holder = nullptr);
  SocketLeases(const SocketLeases&) = delete;
  SocketLeases& operator=(const SocketLeases&) = delete;
  ~SocketLeases();

  // Removes what a former daemon left of generations that have nothing leased. Requires: no other daemon uses
  // the folder.
  void clear_leftovers() const;

  // endpoint = "socket": a path for this incarnation, with no file at it.
  [[nodiscard]] base::Expected<base::Address> lease(const routing::Identity& who, const spec::Spec& spec);
  // The same path, of an incarnation that a former daemon started; its file is left alone.
  [[nodiscard]] base::Expected<base::Address> lease_again(const routing::Identity& who,
                                                          const spec::Spec& spec,
                                                          const base::Address& address);
  // Requires: `address` is leased.
  void give_back(const base::Address& address);

  // endpoint = "fd": the slot's listening socket, opened when it is first asked for, and again if its file
  // was removed: a process with the old one can no longer be reached.
  struct Listening {
    base::Address address;
    int fd = -1;  // owned by the SocketLeases
  };
  [[nodiscard]] base::Expected<Listening> listening(const routing::Identity& who, const spec::Spec& spec);
  // Is the socket of an instance still at its path? True for every other address. If a file is at a path
  // where the app binds, it is assumed to be the original socket.
  [[nodiscard]] bool in_place(const base::Address& address) const;

  // Closes the sockets of slots in which nothing will be started again; connections in a backlog are closed.
  // `is_over` gets identities with incarnation 0.
  void close_listening(const std::function<bool(const routing::Identity&)>& is_over);

 private:
  struct Open {
    std::filesystem::path path;
    base::Address address;
    base::UniqueFd fd;
    std::string held_as;
    dev_t device = 0;  // of the file
    ino_t inode = 0;
  };
  [[nodiscard]] static bool in_place(const Open& open);
  [[nodiscard]] base::Expected<void> enter(const std::filesystem::path& folder, const spec::Spec& spec);
  void leave(const std::filesystem::path& folder);
  void close(const Open& open);
  [[nodiscard]] base::Expected<base::UniqueFd> open_at(const std::filesystem::path& file,
                                                       const base::Address& address, const spec::Spec& spec,
                                                       const std::string& held_as);

  std::filesystem::path runtime_dir_;
  base::Holder* holder_;
  std::set<std::filesystem::path> leased_;
  std::map<routing::Identity, Open> listening_;
  std::map<std::filesystem::path, std::size_t> folders_;  // of generations: how many sockets are in each
};

}  // namespace gracevisor::supervise
