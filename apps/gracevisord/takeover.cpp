#include "takeover.h"

#include <utility>
#include <variant>

#include "base/one_line.h"

namespace gracevisor::daemon {
namespace {

// For the other daemon to hand on the output that it has read.
constexpr base::Duration kOutput = std::chrono::seconds(2);
constexpr base::Duration kAgain = base::Millis(10);

}  // namespace

base::Expected<std::unique_ptr<Takeover>> Takeover::create(Around around, succession::Channel channel) {
  std::unique_ptr<Takeover> takeover(new Takeover(std::move(around), std::move(channel)));
  auto watch = loop::FdWatch::create(takeover->around_.loop, takeover->channel_->fd(),
                                     loop::FdWatch::Interest::readable, [t = takeover.get()] { t->read(); });
  if (!watch) return std::unexpected(watch.error());
  takeover->watch_ = std::move(*watch);
  return takeover;
}

Takeover::Takeover(Around around, succession::Channel channel)
    : around_(std::move(around)),
      channel_(std::move(channel)),
      output_timer_(around_.loop,
                    [this] {
                      around_.log.error(
                          "predecessor pid={} cause=\"it does not hand its output on: it is ended\"", from_);
                      around_.keeper.end_predecessor();
                      read_on({});
                    }),
      again_timer_(around_.loop, [this] { tell_accepting(); }) {
  around_.supervisor.on_ready([this] {
    ready_ = true;
    ask_to_own();
  });
}

// One that is lost is in the log all the same.
void Takeover::say(std::string_view line) const {
  if (channel_ && !owner_) (void)channel_->send(succession::Said{std::string(line)});
}

// When all is up, and it is known where the clients come from.
void Takeover::ask_to_own() {
  if (!ready_ || clients_ == nullptr || asked_) return;
  asked_ = true;
  if (channel_) (void)channel_->send(around_.supervisor.reattached());
  around_.keeper.commit([this](bool owner) {
    if (owner) return own();
    fail("the keeper does not make it the owner");
  });
}

void Takeover::fail(std::string_view why) {
  around_.log.error("successor cause=\"{}\"", why);
  around_.failed();
}

void Takeover::own() {
  owner_ = true;
  since_ = around_.loop.now();
  around_.log.info("took-over from={} version={}", from_, version_);
  around_.owns();
  auto former = std::make_unique<supervise::Predecessor>([this](const succession::Routes& routes) {
    if (!channel_) return true;
    const auto sent = channel_->send(routes);
    return sent.has_value() || !succession::may_pass(sent.error().code);
  });
  former->set_clients(clients_);
  output_timer_.start(kOutput);
  around_.supervisor.own(std::move(former), [this] { tell_accepting(); });
  for (succession::Message& message : std::exchange(early_, {})) on(std::move(message));
  around_.owned();
}

void Takeover::tell_accepting() {
  if (!channel_) return;
  const auto sent = channel_->send(succession::Accepting{});
  if (!sent && succession::may_pass(sent.error().code)) again_timer_.start(kAgain);
}

void Takeover::read() {
  while (channel_) {
    auto message = channel_->next();
    if (!message) break;
    on(std::move(*message));
  }
  if (!channel_ || !channel_->ended()) return;
  watch_.reset();
  channel_.reset();
  // Of an owner's predecessor the end follows, by the keeper.
  if (!asked_) fail("the daemon that it should follow is gone");
}

void Takeover::on(succession::Message message) {
  const bool of_predecessor = !std::holds_alternative<succession::Clients>(message);
  if (of_predecessor && !owner_) {
    // The keeper, on another socket, has not said yet that this one is the owner.
    early_.push_back(std::move(message));
    return;
  }
  if (auto* clients = std::get_if<succession::Clients>(&message)) {
    from_ = static_cast<pid_t>(clients->pid);
    version_ = base::one_line(clients->version, 32);
    clients_ = std::make_shared<const succession::ClientChannel>(std::move(clients->socket));
    ask_to_own();
  } else if (const auto* read = std::get_if<succession::OutputRead>(&message)) {
    read_on(*read);
  } else if (const auto* use = std::get_if<succession::InUse>(&message)) {
    supervise::Predecessor* former = around_.supervisor.predecessor();
    if (former == nullptr) return;
    former->on(*use);
    around_.supervisor.look();
  }
}

// From now on the processes are this daemon's alone.
void Takeover::read_on(const succession::OutputRead& unfinished) {
  if (std::exchange(reads_, true)) return;
  output_timer_.stop();
  around_.supervisor.read_on(unfinished.rests);
  around_.keeper.resume_children();
}

std::optional<control::PredecessorStatus> Takeover::predecessor() const {
  const supervise::Predecessor* former = around_.supervisor.predecessor();
  if (!owner_ || former == nullptr) return std::nullopt;
  control::PredecessorStatus status;
  status.pid = from_;
  status.version = version_;
  status.since_s = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(around_.loop.now() - since_).count());
  status.connections = former->use().connections;
  status.tunnels = former->use().tunnels;
  return status;
}

void Takeover::on_daemon_ended(const keeper::Daemon& daemon) {
  if (daemon.whom != keeper::Whom::predecessor) return;
  around_.log.info("predecessor-ended pid={} how=\"{}\"", daemon.pid, text(keeper::as_status(daemon.ending)));
  read();
  if (owner_) read_on({});
  clients_.reset();
  around_.supervisor.predecessor_ended();
}

}  // namespace gracevisor::daemon
