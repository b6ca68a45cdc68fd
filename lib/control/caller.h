// One client of the control socket, for server.cpp: who it is, what it may ask, and what it is told when it
// may not. Its connection is a serve::Connection. Thread: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/server.h"
#include "loop/deadlines.h"
#include "serve/connection.h"

namespace gracevisor::control {

class Caller final : serve::ConnectionObserver {
 public:
  // The owner of the callers.
  class Owner {
   public:
    // A complete request from an authorised client.
    virtual void on_request(const Request& request, std::shared_ptr<serve::Response> response) = 0;
    // The caller's connection is closed; free the caller later in the loop, after notify_gone().
    virtual void on_closed(Caller& caller) = 0;
    // May the caller follow, in addition to the current followers?
    [[nodiscard]] virtual bool on_follow(const Caller& caller) = 0;

   protected:
    ~Owner() = default;
  };

  Caller(Owner& owner, loop::Deadlines& deadlines, http::HeadReader& heads, const Peer& peer);

  // After an error the connection has never been open, and on_closed() is not called.
  [[nodiscard]] base::Expected<void> start(loop::Loop& loop, base::UniqueFd socket);

  // Is it a request of this caller that is answered there?
  [[nodiscard]] bool has(const serve::Response* response) const {
    return response != nullptr && response_.lock().get() == response;
  }
  [[nodiscard]] Role role() const noexcept { return request_.peer.role; }
  // These do what they do in serve::Connection.
  void notify_gone() { connection_.notify_gone(); }
  [[nodiscard]] bool follows() const noexcept { return connection_.follows(); }
  [[nodiscard]] std::optional<base::TimePoint> waits_since() const noexcept {
    return connection_.waits_since();
  }
  void give_up() { connection_.give_up(); }

 private:
  [[nodiscard]] std::optional<serve::Content> on_head(const http::RequestHead& head) override;
  void on_request(std::string body, std::shared_ptr<serve::Response> response) override;
  [[nodiscard]] serve::Content explain(const serve::Fault& fault) override;
  [[nodiscard]] bool on_follow() override { return owner_.on_follow(*this); }
  void on_closed() override { owner_.on_closed(*this); }

  Owner& owner_;
  Request request_;  // the current one
  std::weak_ptr<serve::Response> response_;
  serve::Connection connection_;
};

}  // namespace gracevisor::control
