#include "control/server.h"

#include <sys/socket.h>

#include <unordered_map>
#include <utility>
#include <vector>

#include "control/connection.h"
#include "control/control_socket.h"
#include "loop/listener.h"
#include "loop/timer.h"

namespace gracevisor::control {
namespace {

constexpr std::size_t kMaxConnections = 64;

void refuse_crowd(const base::UniqueFd& fd) {
  constexpr std::string_view kAnswer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 63\r\n"
      "Connection: close\r\n\r\n"
      R"({"error":"too many connections to the control socket","exit":5})";
  // Whether it arrives or not, the connection closes.
  (void)::send(fd.get(), kAnswer.data(), kAnswer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

class Server::Impl final : Connection::Owner {
 public:
  Impl(loop::Loop& loop, AccessPolicy policy, Handler& handler, ControlSocket file)
      : loop_(loop),
        policy_(policy),
        handler_(handler),
        file_(std::move(file)),
        deadlines_(loop),
        bury_(loop, [this] { bury(); }) {}

  [[nodiscard]] base::Expected<void> listen() {
    auto listener = loop::Listener::create(loop_, file_.take_descriptor(), [this](loop::Accepted accepted) {
      receive(std::move(accepted.socket));
    });
    if (!listener) return std::unexpected(listener.error());
    listener_ = std::move(*listener);
    return {};
  }

  [[nodiscard]] std::size_t connections() const noexcept { return connections_.size(); }

 private:
  void receive(base::UniqueFd fd) {
    if (connections_.size() >= kMaxConnections) return refuse_crowd(fd);
    auto credentials = credentials_of(fd.get());
    if (!credentials) return;  // the client has gone already
    Peer peer{credentials->uid, credentials->gid, credentials->pid, role_of(*credentials, policy_)};
    auto connection =
        std::make_unique<Connection>(static_cast<Connection::Owner&>(*this), deadlines_, heads_, peer);
    if (!connection->start(loop_, std::move(fd))) return;  // out of memory or descriptors: this client alone
    Connection* key = connection.get();
    connections_.emplace(key, std::move(connection));
  }

  void on_request(const Request& request, std::shared_ptr<Reply> reply) override {
    handler_.handle(request, std::move(reply));
  }

  void on_closed(Connection& connection) override {
    auto node = connections_.extract(&connection);
    departed_.push_back(std::move(node.mapped()));
    bury_.start(base::Duration::zero());
  }

  void bury() {
    auto departed = std::exchange(departed_, {});
    for (auto& connection : departed) connection->notify_gone();
  }

  loop::Loop& loop_;
  AccessPolicy policy_;
  Handler& handler_;
  ControlSocket file_;
  http::HeadReader heads_;
  loop::Deadlines deadlines_;
  loop::Timer bury_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> departed_;  // closed within some callback, perhaps their own
  std::unique_ptr<loop::Listener> listener_;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

base::Expected<std::unique_ptr<Server>> Server::open(loop::Loop& loop, const std::string& socket_path,
                                                     const AccessPolicy& policy, Handler& handler) {
  auto file = ControlSocket::open(socket_path, policy);
  if (!file) return std::unexpected(file.error());
  auto impl = std::make_unique<Impl>(loop, policy, handler, std::move(*file));
  if (auto listening = impl->listen(); !listening) return std::unexpected(listening.error());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::size_t Server::connections() const noexcept {
  return impl_->connections();
}

}  // namespace gracevisor::control
