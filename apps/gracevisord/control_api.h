// What the control API's paths mean: commands for the supervisor, and its state as messages.
// Thread: the supervisor's.
#pragma once

#include <functional>
#include <memory>

#include "control/server.h"
#include "supervise/supervisor.h"

namespace gracevisor::daemon {

class ControlApi final : public control::Handler {
 public:
  ControlApi(supervise::Supervisor& supervisor, std::function<void()> shut_down);

  void handle(const control::Request& request, std::shared_ptr<control::Reply> reply) override;

 private:
  using ReplyRef = std::shared_ptr<control::Reply>;
  void handle_app(const control::Request& request, const std::string& app, const std::string& verb,
                  const ReplyRef& reply);
  void read(const std::string& path, const ReplyRef& reply);
  void command(const control::Request& request, const std::string& app, const std::string& verb,
               const ReplyRef& reply);
  void logs(const control::Request& request, const supervise::AppSnapshot& app, const ReplyRef& reply);
  void shut_down(const ReplyRef& reply);

  supervise::Supervisor& supervisor_;
  std::function<void()> shut_down_;
  base::TimePoint started_;
};

}  // namespace gracevisor::daemon
