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

std::string held_name(const std::string& key, std::size_t number) {
  return "listen/" + key + "/" + std::to_string(number);
}

// Of a Unix socket, the descriptors are copies of one.
std::size_t held_sockets(const routing::ListenerSockets& sockets) {
  return sockets.address.is_unix() ? 1 : sockets.sockets.size();
}

// What the holder has of the address; empty: nothing.
std::vector<base::UniqueFd> take_held(const std::string& key, base::Holder* holder) {
  std::vector<base::UniqueFd> sockets;
  while (holder != nullptr) {
    base::UniqueFd socket = holder->take(held_name(key, sockets.size()));
    if (!socket) break;
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

}  // namespace

void end_listening(int socket) {
  // Asked before: a socket that has ended has no path any more.
  const auto address = loop::listening_address(socket);
  (void)::shutdown(socket, SHUT_RD);  // fails only if it has ended already
  if (!address || !address->is_unix()) return;
  constexpr std::string_view kPrefix = "unix:";
  (void)::unlink(address->text().substr(kPrefix.size()).c_str());  // already gone is fine
}

OpenAddress::OpenAddress(std::string key, base::Address configured, SocketsRef sockets, base::Holder* holder)
    : key_(std::move(key)), configured_(configured), sockets_(std::move(sockets)), holder_(holder) {}

OpenAddress::~OpenAddress() {
  if (holder_ != nullptr && holder_->left_to_others()) return;
  for (const base::UniqueFd& socket : sockets_->sockets) end_listening(socket.get());
  for (std::size_t i = 0; holder_ != nullptr && i < held_sockets(*sockets_); ++i) {
    holder_->release(held_name(key_, i));
  }
}

std::string address_key(const config::Listener& listener, const base::Address& address) {
  bool any_port = !address.is_unix() && address.port().value() == 0;
  return any_port ? listener.name + " " + address.text() : address.text();
}

base::Expected<OpenAddressRef> open_address(const config::Listener& listener, const base::Address& address,
                                            std::size_t workers,
                                            const std::vector<std::weak_ptr<const OpenAddress>>& open,
                                            base::Holder* holder) {
  const std::string key = address_key(listener, address);
  auto make = [&](loop::ListeningSockets sockets) {
    return std::make_shared<const OpenAddress>(key, address,
                                               std::make_shared<const routing::ListenerSockets>(
                                                   sockets.address, std::move(sockets.sockets), workers),
                                               holder);
  };
  if (auto held = take_held(key, holder); !held.empty()) {
    auto sockets = loop::use_listening_sockets(address, workers, std::move(held));
    if (!sockets) return base::fail_at("listener " + listener.name, sockets.error());
    return make(std::move(*sockets));
  }
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
  auto opened = make(std::move(*sockets));
  for (std::size_t i = 0; holder != nullptr && i < held_sockets(*opened->sockets()); ++i) {
    holder->hold(held_name(key, i), opened->sockets()->sockets[i].get());
  }
  return opened;
}

}  // namespace gracevisor::supervise
