#include "control/server.h"

#include <optional>
#include <utility>

#include "control/answers.h"
#include "control/caller.h"
#include "control/control_socket.h"
#include "control/spare_descriptors.h"
#include "loop/deadlines.h"
#include "loop/listener.h"
#include "serve/connection.h"
#include "serve/crowd.h"

namespace gracevisor::control {
namespace {

constexpr const char* kHeldAs = "control";
constexpr std::size_t kSpares = 4;
constexpr base::Duration kHalfOpenGrace = std::chrono::seconds(5);
constexpr base::Duration kTellShortEvery = std::chrono::minutes(1);

// A former daemon's, in whose backlog clients may be waiting, or a new one.
base::Expected<ControlSocket> open_file(const std::string& path, const AccessPolicy& policy,
                                        base::Holder* holder) {
  if (base::UniqueFd held = holder != nullptr ? holder->take(kHeldAs) : base::UniqueFd()) {
    if (auto file = ControlSocket::take_over(path, std::move(held))) return file;
  }
  auto file = ControlSocket::open(path, policy);
  if (file && holder != nullptr) holder->hold(kHeldAs, file->fd());
  return file;
}

}  // namespace

class Server::Impl final : Caller::Owner {
 public:
  Impl(loop::Loop& loop, std::string path, AccessPolicy policy, Handler& handler, ControlSocket file,
       base::Holder* holder)
      : loop_(loop),
        path_(std::move(path)),
        policy_(policy),
        handler_(handler),
        file_(std::move(file)),
        holder_(holder),
        spares_(kSpares),
        deadlines_(loop),
        crowd_(loop, [this] { spares_.refill(); }) {}

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (file_ && holder_ != nullptr && holder_->left_to_others()) file_->forget();
  }

  [[nodiscard]] base::Expected<void> listen() {
    auto listener = listen_on(*file_);
    if (!listener) return std::unexpected(listener.error());
    listener_ = std::move(*listener);
    return {};
  }

  void pause() noexcept { listener_.reset(); }
  [[nodiscard]] base::Expected<void> resume() {
    return listener_ || !file_ ? base::Expected<void>() : listen();
  }
  void leave(const serve::Response* stays);
  void admit(const Admission& admission) noexcept { admission_ = admission; }
  void on_short(std::function<void(int)> told) { told_short_ = std::move(told); }
  [[nodiscard]] base::Expected<bool> renew_socket();
  [[nodiscard]] std::size_t connections() const noexcept { return crowd_.size(); }

 private:
  [[nodiscard]] base::Expected<std::unique_ptr<loop::Listener>> listen_on(const ControlSocket& file) {
    auto socket = base::duplicate(file.fd());
    if (!socket) return std::unexpected(socket.error());
    return loop::Listener::create(
        loop_, std::move(*socket), [this](loop::Accepted accepted) { receive(std::move(accepted.socket)); },
        [this](int code) { return make_descriptor(code); });
  }
  bool make_descriptor(int code);
  void receive(base::UniqueFd fd);
  [[nodiscard]] bool make_room(Role role);

  void on_request(const Request& request, std::shared_ptr<serve::Response> response) override {
    handler_.handle(request, std::move(response));
  }
  void on_closed(Caller& caller) override { crowd_.leave(caller); }
  [[nodiscard]] bool on_follow(const Caller& caller) override {
    return crowd_.count([](const Caller& one) { return one.follows(); }) <
           admission_.followers(caller.role());
  }

  loop::Loop& loop_;
  std::string path_;
  AccessPolicy policy_;
  Handler& handler_;
  Admission admission_;
  std::optional<ControlSocket> file_;  // empty: left
  base::Holder* holder_;
  SpareDescriptors spares_;
  std::function<void(int)> told_short_;
  std::optional<base::TimePoint> short_told_at_;
  http::HeadReader heads_;
  loop::Deadlines deadlines_;
  serve::Crowd<Caller> crowd_;
  std::unique_ptr<loop::Listener> listener_;  // null: paused, or left
};

void Server::Impl::leave(const serve::Response* stays) {
  listener_.reset();
  if (file_) file_->forget();
  file_.reset();
  for (Caller* caller : crowd_.all()) {
    if (!caller->has(stays)) caller->give_up();
  }
}

bool Server::Impl::make_descriptor(int code) {
  bool due = !short_told_at_ || loop_.now() - *short_told_at_ >= kTellShortEvery;
  if (due && told_short_) {
    short_told_at_ = loop_.now();
    told_short_(code);
  }
  return spares_.give_up();
}

void Server::Impl::receive(base::UniqueFd fd) {
  auto credentials = peer_of(fd.get());
  if (!credentials) return;  // the client has gone already
  Peer peer{credentials->uid, credentials->gid, credentials->pid, role_of(*credentials, policy_)};
  if (!make_room(peer.role)) {
    Error crowded{"too many connections to the control socket", ExitCode::busy, {}};
    return serve::turn_away(fd, {503, kJson, to_json(crowded)});
  }
  auto caller = std::make_unique<Caller>(static_cast<Caller::Owner&>(*this), deadlines_, heads_, peer);
  if (!caller->start(loop_, std::move(fd))) return;  // out of memory: only this client is affected
  crowd_.add(std::move(caller));
}

// The one that has waited longest goes, but an admin never makes room for a non-admin.
bool Server::Impl::make_room(Role role) {
  std::size_t places = admission_.places(role);
  if (crowd_.size() < places) return true;
  if (crowd_.size() > places) return false;  // taken by clients with a larger quota
  Caller* oldest = crowd_.longest_waiting(loop_.now() - kHalfOpenGrace, [role](const Caller& caller) {
    return caller.role() != Role::admin || role == Role::admin;
  });
  if (oldest == nullptr) return false;
  oldest->give_up();
  return true;
}

base::Expected<bool> Server::Impl::renew_socket() {
  spares_.refill();
  if (!listener_ || file_->in_place()) return false;
  auto file = open_file(path_, policy_, holder_);
  if (!file) return std::unexpected(file.error());
  auto listener = listen_on(*file);
  if (!listener) return std::unexpected(listener.error());
  // Clients that connected while the file was there are not turned away.
  listener_->accept_all();
  listener_ = std::move(*listener);
  file_->forget();
  file_.emplace(std::move(*file));
  return true;
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

base::Expected<std::unique_ptr<Server>> Server::open(loop::Loop& loop, const std::string& socket_path,
                                                     const AccessPolicy& policy, Handler& handler,
                                                     base::Holder* holder) {
  auto file = open_file(socket_path, policy, holder);
  if (!file) return std::unexpected(file.error());
  auto impl = std::make_unique<Impl>(loop, socket_path, policy, handler, std::move(*file), holder);
  if (auto listening = impl->listen(); !listening) return std::unexpected(listening.error());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::admit(const Admission& admission) noexcept {
  impl_->admit(admission);
}

base::Expected<bool> Server::renew_socket() {
  return impl_->renew_socket();
}

void Server::pause() {
  impl_->pause();
}

base::Expected<void> Server::resume() {
  return impl_->resume();
}

void Server::leave(const serve::Response* stays) {
  impl_->leave(stays);
}

void Server::on_short(std::function<void(int code)> told) {
  impl_->on_short(std::move(told));
}

std::size_t Server::connections() const noexcept {
  return impl_->connections();
}

}  // namespace gracevisor::control
