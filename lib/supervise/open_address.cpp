#include "supervise/open_address.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "loop/listening_socket.h"

namespace gracevisor::supervise {
namespace {

bool any_host(const base::Address& address) {
  std::string host = address.host_text();
  return host == "0.0.0.0" || host == "::";
}

}  // namespace

OpenAddress::OpenAddress(std::string key, base::Address configured, SocketsRef sockets)
    : key_(std::move(key)), configured_(configured), sockets_(std::move(sockets)) {}

OpenAddress::~OpenAddress() {
  for (const base::UniqueFd& socket : sockets_->sockets) {
    (void)::shutdown(socket.get(), SHUT_RD);  // fails only if it has ended already
  }
  if (!sockets_->address.is_unix()) return;
  constexpr std::string_view kPrefix = "unix:";
  (void)::unlink(sockets_->address.text().substr(kPrefix.size()).c_str());  // already gone is fine
}

std::string address_key(const config::Listener& listener, const base::Address& address) {
  bool any_port = !address.is_unix() && address.port().value() == 0;
  return any_port ? listener.name + " " + address.text() : address.text();
}

base::Expected<OpenAddressRef> open_address(const config::Listener& listener, const base::Address& address,
                                            std::size_t workers,
                                            const std::vector<std::weak_ptr<const OpenAddress>>& open) {
  const bool beside = std::ranges::any_of(open, [&](const auto& other) {
    OpenAddressRef there = other.lock();
    if (!there || address.is_unix() || address.port().value() == 0) return false;
    const base::Address& taken = there->sockets()->address;
    return !taken.is_unix() && taken.port() == address.port() && (any_host(taken) || any_host(address));
  });
  auto sockets = loop::open_listening_sockets(
      address, workers, beside ? loop::ListeningGroup::joined : loop::ListeningGroup::founded);
  if (!sockets) {
    return base::fail_at("listener " + listener.name, sockets.error());
  }
  return std::make_shared<const OpenAddress>(
      address_key(listener, address), address,
      std::make_shared<const routing::ListenerSockets>(sockets->address, std::move(sockets->sockets)));
}

}  // namespace gracevisor::supervise
