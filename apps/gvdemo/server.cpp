#include "server.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "loop/listening_socket.h"

namespace gracevisor::demo {
namespace {

constexpr base::Millis kForEver{std::chrono::hours(24 * 365)};

void say(const std::string& line) {
  (void)std::fprintf(stdout, "%s\n", line.c_str());
  (void)std::fflush(stdout);
}

}  // namespace

Server::Server(loop::Loop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      boot_(loop, [this] { listen(); }),
      exit_(loop,
            [this] {
              (void)std::fprintf(stderr, "gvdemo: exiting with %d, as asked\n", options_.exit_code);
              // Like a crash seen from outside: the kernel closes everything at once.
              std::_Exit(options_.exit_code);
            }),
      stay_(loop, [this] { end_if_idle(); }),
      alive_(loop, [this] { alive_.start(kForEver); }) {}

base::Expected<void> Server::start() {
  if (options_.ignore_term) (void)std::signal(SIGTERM, SIG_IGN);
  auto stop_it = [this](int) { stop(); };
  auto signals = options_.ignore_term ? loop::Signals::create(loop_, {SIGINT}, stop_it)
                                      : loop::Signals::create(loop_, {SIGINT, SIGTERM}, stop_it);
  if (!signals) return std::unexpected(signals.error());
  signals_ = std::move(*signals);
  alive_.start(kForEver);
  if (options_.exit_after) exit_.start(*options_.exit_after);
  if (!options_.never_listen) boot_.start(options_.boot_delay);
  say("gvdemo " + options_.version + " boots");
  return {};
}

base::Expected<ListeningSocket> Server::open_socket() const {
  if (options_.activated) return passed_socket();
  auto sockets = loop::open_listening_sockets(options_.address, 1);
  if (!sockets) return std::unexpected(sockets.error());
  return ListeningSocket{std::move(sockets->sockets.front()), sockets->address};
}

void Server::listen() {
  auto failed = [this](const base::Error& problem) {
    (void)std::fprintf(stderr, "gvdemo: %s\n", problem.what.c_str());
    end(1);
  };
  auto socket = open_socket();
  if (!socket) {
    failed(socket.error());
    return;
  }
  auto listener = loop::Listener::create(loop_, std::move(socket->fd),
                                         [this](loop::Accepted accepted) { accept(std::move(accepted)); });
  if (!listener) {
    failed(listener.error());
    return;
  }
  listener_ = std::move(*listener);
  say("gvdemo " + options_.version + " listens on " + socket->address.text());
}

void Server::accept(loop::Accepted accepted) {
  auto opened = Connection::open(loop_, std::move(accepted), *this);
  if (!opened) return;  // it broke before it began
  connections_.emplace(opened->get(), std::move(*opened));
}

void Server::over(Connection& connection) {
  auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  loop_.retire(std::move(found->second));
  connections_.erase(found);
  end_if_idle();
}

void Server::stop() {
  if (stopping_) return;
  stopping_ = true;
  boot_.stop();
  say("gvdemo " + options_.version + " stops");
  if (listener_ != nullptr) listener_->accept_all();
  listener_.reset();
  stay_.start(options_.term_delay);
  std::vector<Connection*> open;
  open.reserve(connections_.size());
  for (const auto& [connection, owned] : connections_) open.push_back(connection);
  for (Connection* connection : open) connection->stop();
}

void Server::end_if_idle() {
  if (stopping_ && connections_.empty() && !stay_.running()) end(0);
}

void Server::end(int code) {
  exit_code_ = code;
  loop_.stop();
}

}  // namespace gracevisor::demo
