#include "proxy/inheritance.h"

#include <cerrno>
#include <chrono>
#include <utility>

#include "proxy/core.h"

namespace gracevisor::proxy {
namespace {

constexpr int kMostTakenPerTurn = 16;
constexpr base::Duration kBackOff = std::chrono::milliseconds(100);

}  // namespace

Inheritance::Inheritance(Core& core, routing::WorkerPort& port)
    : core_(core), port_(port), back_off_(core.kit().loop, [this] {
        if (watch_ != nullptr && !watch_->resume()) back_off_.start(kBackOff);
      }) {}

void Inheritance::stop() noexcept {
  back_off_.stop();
  watch_.reset();
  own_.reset();
}

void Inheritance::follow(const std::shared_ptr<const succession::ClientChannel>& predecessor) {
  wanted_ = predecessor;
  begin_next();
}

void Inheritance::begin_next() {
  if ((channel_ == nullptr || ended_) && wanted_ != channel_) {
    channel_ = wanted_;
    ended_ = false;
  }
  watch_missing();
}

void Inheritance::watch_missing() {
  if (channel_ == nullptr || watch_ != nullptr || ended_) return;
  auto own = base::duplicate(channel_->fd());
  if (!own) {
    core_.kit().notices.shortage(&routing::Shortages::accept, own.error().code);
    return;
  }
  auto watch = loop::FdWatch::create(core_.kit().loop, own->get(), loop::FdWatch::Interest::readable,
                                     [this] { take_some(); });
  if (!watch) {
    core_.kit().notices.shortage(&routing::Shortages::accept, watch.error().code);
    return;
  }
  own_ = std::move(*own);
  watch_ = std::move(*watch);
}

void Inheritance::take_some() {
  for (int i = 0; i < kMostTakenPerTurn; ++i) {
    auto taken = channel_->take();
    if (taken) {
      port_.taken.add();
      core_.entrances().inherit(std::move(*taken));
    } else if (taken.error() == succession::ClientChannel::None::room) {
      core_.kit().notices.shortage(&routing::Shortages::accept, EMFILE);
      if (core_.kit().upstreams.give_up_idle()) continue;
      watch_->pause();
      back_off_.start(kBackOff);
      return;
    } else {
      ended_ = channel_->ended();
      if (!ended_) return;
      stop();
      begin_next();
      return;
    }
  }
}

}  // namespace gracevisor::proxy
