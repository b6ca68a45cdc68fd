// Where incarnations are reached, as their app's `endpoint` says: at a port (port_leases.h), at a Unix socket
// that the app binds, or at one that it is given (socket_leases.h). A lease ends when nothing can touch the
// address any more; it is up to the caller to know when. Thread: the supervisor's.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/address.h"
#include "base/error.h"
#include "config/config.h"
#include "routing/endpoint.h"
#include "spec/spec.h"
#include "supervise/port_leases.h"
#include "supervise/socket_leases.h"

namespace gracevisor::supervise {

class EndpointLeases {
 public:
  struct Lease {
    std::optional<base::Address> address;  // unset: an app without an endpoint
    int listener = -1;                     // the socket that the app is given; owned by EndpointLeases
  };

  // `ensure_runtime_dir` makes the runtime folder again if it was removed; its error says why the folder
  // must not be used. Empty: the folder is assumed to be there.
  // `holder`, which may be null, holds the sockets that apps are given for the next daemon.
  EndpointLeases(config::PortRange ports, std::filesystem::path runtime_dir, base::Holder* holder,
                 std::function<base::Expected<void>()> ensure_runtime_dir)
      : ports_(ports),
        sockets_(std::move(runtime_dir), holder),
        ensure_runtime_dir_(std::move(ensure_runtime_dir)) {}

  // At boot, when everything that outlived the former daemon is leased again: removes the other socket files
  // that it left.
  void clear_leftovers() const { sockets_.clear_leftovers(); }
  // What an incarnation has that was started by a former daemon. An error: it cannot be its address.
  [[nodiscard]] base::Expected<Lease> lease_again(const routing::Identity& who, const spec::Spec& spec,
                                                  const std::string& address);
  // The error carries errno's value, if there is one.
  [[nodiscard]] base::Expected<Lease> lease(const routing::Identity& who, const spec::Spec& spec);
  void give_back(const spec::Spec& spec, const base::Address& address);
  // Can a connection still reach the address?
  [[nodiscard]] bool in_place(const base::Address& address) const { return sockets_.in_place(address); }
  // Closes the sockets that were given to slots in which nothing will be started again. `is_over` gets
  // identities with incarnation 0.
  void close_listening(const std::function<bool(const routing::Identity&)>& is_over) {
    sockets_.close_listening(is_over);
  }

 private:
  PortLeases ports_;
  SocketLeases sockets_;
  std::function<base::Expected<void>()> ensure_runtime_dir_;
};

}  // namespace gracevisor::supervise
