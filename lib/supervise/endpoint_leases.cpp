#include "supervise/endpoint_leases.h"

namespace gracevisor::supervise {
namespace {

bool has_socket(const spec::Spec& spec) {
  return spec.app.endpoint == config::EndpointKind::socket || spec.app.endpoint == config::EndpointKind::fd;
}

}  // namespace

base::Expected<EndpointLeases::Lease> EndpointLeases::lease(const routing::Identity& who,
                                                            const spec::Spec& spec) {
  if (has_socket(spec) && ensure_runtime_dir_) {
    if (auto there = ensure_runtime_dir_(); !there) return std::unexpected(there.error());
  }
  switch (spec.app.endpoint) {
    case config::EndpointKind::port: {
      auto port = ports_.lease();
      if (!port) return std::unexpected(port.error());
      return Lease{base::Address::tcp_loopback(*port)};
    }
    case config::EndpointKind::socket: {
      auto address = sockets_.lease(who, spec);
      if (!address) return std::unexpected(address.error());
      return Lease{*address};
    }
    case config::EndpointKind::fd: {
      auto listening = sockets_.listening(who, spec);
      if (!listening) return std::unexpected(listening.error());
      return Lease{listening->address, listening->fd};
    }
    case config::EndpointKind::none: break;
  }
  return Lease{};
}

base::Expected<EndpointLeases::Lease> EndpointLeases::lease_again(const routing::Identity& who,
                                                                  const spec::Spec& spec,
                                                                  const std::string& address) {
  if (!config::is_routed(spec.app.endpoint)) return Lease{};
  auto at = base::Address::parse(address);
  if (!at) return std::unexpected(at.error());
  if (at->is_unix() != has_socket(spec)) return base::fail(address + " is no address of such an app");
  if (spec.app.endpoint == config::EndpointKind::port) {
    if (!ports_.lease_again(at->port())) return base::fail(address + " is another instance's");
    return Lease{*at};
  }
  if (spec.app.endpoint == config::EndpointKind::socket) {
    auto again = sockets_.lease_again(who, spec, *at);
    if (!again) return std::unexpected(again.error());
    return Lease{*again};
  }
  auto listening = sockets_.listening(who, spec);
  if (!listening) return std::unexpected(listening.error());
  if (listening->address.text() != address) return base::fail(address + " is not the slot's socket");
  return Lease{listening->address, listening->fd};
}

void EndpointLeases::give_back(const spec::Spec& spec, const base::Address& address) {
  switch (spec.app.endpoint) {
    case config::EndpointKind::port: ports_.give_back(address.port()); return;
    case config::EndpointKind::socket: sockets_.give_back(address); return;
    case config::EndpointKind::fd:  // the slot's
    case config::EndpointKind::none: return;
  }
}

}  // namespace gracevisor::supervise
