// What is asked of logs over the control API: finds the sources, and keeps the sessions that answer. Thread:
// the supervisor's.
#pragma once

#include <deque>
#include <expected>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/server.h"
#include "log_session.h"
#include "supervise/supervisor.h"

namespace gracevisor::daemon {

class LogRequests {
 public:
  // All of these outlive it.
  LogRequests(loop::Loop& loop, output::Writer& writer, supervise::Supervisor& supervisor,
              std::shared_ptr<OwnLog> own);
  LogRequests(const LogRequests&) = delete;
  LogRequests& operator=(const LogRequests&) = delete;
  ~LogRequests();

  // So many requests at a time read back 8 MiB each, further ones 1 MiB, until these are over: what they hold
  // for readers that are slow is bounded.
  static constexpr std::size_t kLargeRequests = 8;

  // `app`: of a request for one app; empty: the query selects.
  void answer(const control::Request& request, const std::string& app,
              const std::shared_ptr<serve::Response>& response);

 private:
  struct Refusal {
    control::ExitCode exit;
    std::string why;
  };
  // An app and which of its instances: "web", {"43.1", "42"}; no instances: all.
  struct Selected {
    std::string app;
    std::vector<std::string> instances;
  };
  using Asked = std::expected<LogSession::Asked, Refusal>;

  void take_turn();
  // Those who follow all apps follow it as well.
  void add_app(const std::string& name);
  [[nodiscard]] Asked read(const control::Request& request, const std::string& app) const;
  [[nodiscard]] std::expected<std::vector<Selected>, Refusal> select(const control::Request& request,
                                                                     const std::string& app) const;
  [[nodiscard]] std::expected<void, Refusal> add_output(const Selected& selected,
                                                        LogSession::Asked& asked) const;
  [[nodiscard]] std::expected<void, Refusal> add_access(const std::vector<Selected>& selected,
                                                        LogSession::Asked& asked) const;

  loop::Loop& loop_;
  output::Writer& writer_;
  supervise::Supervisor& supervisor_;
  std::shared_ptr<OwnLog> own_;
  std::uint64_t last_session_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<LogSession>> sessions_;
  std::vector<std::uint64_t> over_;
  loop::NextTurn bury_;  // what is over
  std::deque<std::uint64_t> at_work_;
  loop::NextTurn turn_;  // of one of these, so that the loop's turns are short however many there are
};

}  // namespace gracevisor::daemon
