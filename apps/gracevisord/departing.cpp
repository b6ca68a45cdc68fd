#include "departing.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/counted.h"

namespace gracevisor::daemon {
namespace {

using base::counted;

// What cannot be passed on for lack of descriptors waits; nobody waits for it.
constexpr base::Duration kPassing = std::chrono::seconds(1);
constexpr base::Duration kMore = std::chrono::seconds(1);
constexpr base::Duration kTellAgain = std::chrono::seconds(5);

}  // namespace

Departing::Departing(Around around, std::optional<succession::Channel> channel,
                     std::shared_ptr<const succession::ClientChannel> clients,
                     std::shared_ptr<decide::Report> report)
    : around_(std::move(around)),
      channel_(std::move(channel)),
      clients_(std::move(clients)),
      report_(std::move(report)),
      since_(around_.loop.now()),
      next_turn_(around_.loop, [this] { advance(); }) {
  departure_ = around_.supervisor.depart(
      around_.drain_timeout,
      [this](succession::OutputRead read) {
        unsent_output_ = std::move(read);
        next_turn_.ask();
      },
      [this] { next_turn_.ask(); });
  under_way_ = departure_->counts().requests;
  if (channel_) {
    auto watch = loop::FdWatch::create(around_.loop, channel_->fd(), loop::FdWatch::Interest::readable,
                                       [this] { read(); });
    if (watch) watch_ = std::move(*watch);
  }
  if (!watch_) {
    channel_.reset();
    pass_on();
  }
  next_turn_.ask();
}

void Departing::end() {
  around_.log.info("departing stage=ending");
  departure_->end();
}

void Departing::read() {
  while (auto message = channel_->next()) on(*message);
  if (channel_->ended()) {
    // It has died. Another one follows it, to whom nothing can be passed: clients wait in the backlog.
    around_.log.warning("departing cause=\"the successor has ended\"");
    watch_.reset();
    channel_.reset();
    clients_.reset();
    passing_since_.reset();
    pass_on();
  }
  next_turn_.ask();
}

void Departing::on(const succession::Message& message) {
  if (std::holds_alternative<succession::Accepting>(message)) {
    pass_on();
  } else if (const auto* routes = std::get_if<succession::Routes>(&message)) {
    departure_->follow(*routes);
  }
}

void Departing::pass_on() {
  if (passing_since_) return;
  passing_since_ = now();
  if (!clients_) {
    // Nobody is at its other end: connections end here.
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
      passing_since_.reset();  // tried again
      return;
    }
    (void)::close(ends[1]);
    clients_ = std::make_shared<const succession::ClientChannel>(base::UniqueFd(ends[0]));
  }
  departure_->pass_on(clients_);
}

void Departing::advance() {
  if (over_) return;
  if (!channel_) pass_on();
  tell_use();
  const supervise::Departure::Counts counts = departure_->counts();
  report(counts);
  // Without the other daemon nobody can take the output.
  if (!departure_->over() || (channel_ && !output_sent_)) return;
  over_ = true;
  around_.log.info("departed seconds={} cut={}",
                   std::chrono::duration_cast<std::chrono::seconds>(now() - since_).count(), counts.cut);
  around_.over();
}

std::string Departing::progress(const decide::Report& report) const {
  if (report_.get() != &report) return "";
  return counted(departure_->counts().requests, "request", "requests") + " to finish";
}

// What cannot be sent now is sent at the next look.
void Departing::tell_use() {
  if (!channel_) return;
  if (unsent_output_) {
    auto sent = channel_->send(*unsent_output_);
    if (sent || !succession::may_pass(sent.error().code)) {
      unsent_output_.reset();
      output_sent_ = true;
    }
  }
  succession::InUse use = departure_->in_use();
  // Again after a while: a message is lost if its reader has no descriptor left.
  if (told_ == use && now() - told_at_ < kTellAgain) return;
  if (channel_->send(use)) {
    told_ = std::move(use);
    told_at_ = now();
  }
}

void Departing::report(const supervise::Departure::Counts& counts) {
  if (!report_ || !passing_since_) return;
  if (!handed_ && (!counts.handing || now() - *passing_since_ >= kPassing)) {
    handed_ = true;
    tell("handed", counted(counts.handed, "idle client connection", "idle client connections"));
  }
  if (!handed_ || (counts.requests != 0 && now() - since_ < departure_->longest_drain() + kMore)) return;
  const std::uint64_t gone = counts.requests + counts.cut;
  std::string text = fmt::format("pid {}: {} finished, {} cut", ::getpid(),
                                 under_way_ - std::min(under_way_, gone), counts.cut);
  std::string left;
  if (counts.tunnels != 0)
    left = counted(counts.tunnels, "WebSocket or TCP connection", "WebSockets and TCP connections");
  if (counts.requests != 0)
    left += (left.empty() ? "" : " and ") + counted(counts.requests, "request", "requests");
  if (!left.empty()) text += ", " + left + " left alone until they end";
  tell("drained", text);
  std::exchange(report_, nullptr)
      ->finish(now(), "done", "clients are served by the successor", base::ExitCode::done);
}

void Departing::tell(std::string phase, std::string text) {
  report_->add(now(), std::move(phase), std::move(text));
}

}  // namespace gracevisor::daemon
