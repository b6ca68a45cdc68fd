// What the control API's paths mean: commands for the supervisor, and its state as messages.
// Thread: the supervisor's.
#pragma once

#include <expected>
#include <memory>

#include "control/messages.h"
#include "control/server.h"
#include "control/verbs.h"
#include "live_lines.h"
#include "log_requests.h"
#include "serve/response.h"
#include "supervise/supervisor.h"
#include "upgrader.h"

namespace gracevisor::daemon {

class ControlApi final : public control::Handler {
 public:
  ControlApi(loop::Loop& loop, output::Writer& writer, supervise::Supervisor& supervisor,
             std::shared_ptr<OwnLog> own_log, control::KeeperStatus keeper, Upgrader& upgrader);

  // Where the report of the upgrade that was begun last goes, as long as its client is there; else null. What
  // else is connected does not outlive an upgrade (control::Server::leave).
  [[nodiscard]] const serve::Response* upgrade_response() const { return upgrading_.lock().get(); }

  void handle(const control::Request& request, std::shared_ptr<serve::Response> response) override;

 private:
  using ResponseRef = std::shared_ptr<serve::Response>;
  struct Call {
    const control::Request& request;
    control::Verb verb;
    std::string app;
    const ResponseRef& response;
  };
  void carry_out(const Call& call);
  void show(const Call& call);
  [[nodiscard]] control::StatusReport status(const supervise::Snapshot& snapshot) const;
  void reload(const Call& call);
  void upgrade(const Call& call);
  void answer(const Call& call, const std::expected<void, decide::Refused>& taken,
              const std::shared_ptr<decide::Report>& report);
  void follow(const Call& call, const std::shared_ptr<decide::Report>& report);
  // looks.cpp
  void settings(const Call& call);
  void check(const Call& call);
  // app_commands.cpp
  void command(const Call& call);
  [[nodiscard]] std::expected<void, decide::Refused> give(const Call& call,
                                                          const std::shared_ptr<decide::Report>& report);
  [[nodiscard]] std::expected<void, decide::Refused> stop(const Call& call, decide::Haste haste,
                                                          const std::shared_ptr<decide::Report>& report);
  static void history(const Call& call, const supervise::Supervisor::Commands& commands);
  void attach(const Call& call, const supervise::Supervisor::Commands& commands);
  void environment(const Call& call);
  void shut_down(const Call& call);

  supervise::Supervisor& supervisor_;
  output::Writer& writer_;
  base::TimePoint started_;
  control::KeeperStatus keeper_;
  Upgrader& upgrader_;
  std::weak_ptr<serve::Response> upgrading_;
  LiveLines live_;
  LogRequests logs_;
};

}  // namespace gracevisor::daemon
