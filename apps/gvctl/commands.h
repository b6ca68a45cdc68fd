// gvctl's commands: each asks the daemon and shows its answer. Several apps are handled one after the other,
// but for deploys. Thread: the program's only one.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rfc3339.h"
#include "control/client.h"
#include "control/messages.h"
#include "gvctl/aftermath.h"
#include "gvctl/command_line.h"
#include "gvctl/live_line.h"
#include "gvctl/output.h"
#include "gvctl/render.h"

namespace gracevisor::gvctl {

// The combined exit code: for a single app its own; for several, some_failed if any is not done.
[[nodiscard]] int combined(const std::vector<int>& exits);

class Commands {
 public:
  // `colour` is for `out`. The client's interrupt ends a wait for a deploy, which goes on.
  Commands(const CommandLine& line, const control::Client& client, Output& out, Output& err, Style style);

  // Is a daemon there that answers? Else the exit code, with the error said. For commands that must not be
  // carried out later, when nobody waits for them any more.
  [[nodiscard]] std::optional<int> greet();
  // The exit code.
  [[nodiscard]] int run();

 private:
  // status.cpp
  [[nodiscard]] int status();
  [[nodiscard]] int schema();
  struct Asked {
    control::StatusReport report;
    std::vector<std::string> known = {};    // every app's name
    std::vector<std::string> missing = {};  // apps that were asked for and are not there
  };
  [[nodiscard]] std::expected<Asked, int> ask_status();
  void show_status(const control::StatusReport& report);
  [[nodiscard]] int version();
  [[nodiscard]] int names();
  // logs.cpp
  [[nodiscard]] int logs();
  // The request for the logs that are asked for.
  [[nodiscard]] std::expected<std::string, int> logs_target();
  // past.cpp
  [[nodiscard]] int attach();
  [[nodiscard]] int wait();
  [[nodiscard]] int history();
  [[nodiscard]] int environment();
  // settings.cpp
  [[nodiscard]] int settings();
  [[nodiscard]] int check();
  enum class Shown { everything, the_end };
  // The report of what is under way, to its end.
  [[nodiscard]] int follow(const std::string& app, const std::string& verb, Shown shown);
  // changes.cpp
  [[nodiscard]] int deploy();
  [[nodiscard]] int reload();
  // One change after another.
  [[nodiscard]] int change_apps();
  // One POST.
  struct Order {
    std::string path;
    std::string body;
    std::string what;                    // "the deploy of web"
    std::vector<std::string> apps = {};  // that it concerns
    std::string instance = {};           // "43.1" or "43"; empty: the whole app
  };
  // Follows its report to its end.
  [[nodiscard]] int change(const Order& order);
  // upgrade.cpp
  [[nodiscard]] int upgrade();
  [[nodiscard]] int resume_upgrade(const Told& told, const control::CallError& how);
  // resume.cpp: when the daemon has ended before a report was whole, the next one is asked.
  [[nodiscard]] int resume(const Order& order, const Told& told, base::WallTime sent,
                           const control::CallError& how);
  [[nodiscard]] int resume_several(const Order& order, const Told& told, base::WallTime sent);
  // Whether a line is of one report, or relayed as one of several apps.
  enum class Among { one, several };
  // What became of it, to its end.
  [[nodiscard]] int settle(const Lost& lost, const std::string& what, Among among);
  // The exit code, if that is known.
  using Ended = std::expected<std::optional<int>, control::CallError>;
  [[nodiscard]] Ended look(const Lost& lost, Among among);
  [[nodiscard]] Ended follow_resumed(const Lost& lost, Among among);
  // Waits for the next daemon; or the exit code, with the error said. `how`: the connection ended.
  [[nodiscard]] std::optional<int> await_next(const control::CallError& how, const std::string& what);
  // The connection has ended: is it because another daemon has taken over in an upgrade?
  [[nodiscard]] bool handed_over();
  void tell_gone();
  void tell(control::ReportLine line, const std::string& app, Among among);
  [[nodiscard]] int stop_waiting(const control::CallError& error, const std::string& what);
  // The lines of a report, of which the live ones are shown, if they can be, and `take` gets the others.
  // False: it has enough.
  using TakeLine = std::function<bool(const control::ReportLine& line, std::string_view json)>;
  struct Streamed {
    control::Client::Result result;
    std::optional<base::Error> trouble = {};  // a line that was not understood
    [[nodiscard]] bool ended_by(control::CallError::Kind kind) const {
      return !result && result.error().kind == kind;
    }
  };
  [[nodiscard]] Streamed stream_report(http::Method method, const std::string& path, const std::string& body,
                                       const TakeLine& take);
  // Says why it is not a report to its end, or to where it was enough; unset: it is.
  [[nodiscard]] std::optional<int> failure_of(const Streamed& streamed);
  // One GET. A daemon that dies over it is followed by another one, which is asked again.
  [[nodiscard]] control::Client::Result ask(const control::Client& client, const std::string& path) const;
  [[nodiscard]] control::Client::Result ask(const std::string& path) const { return ask(client_, path); }
  // The same; `show` renders the body of a 200.
  using Show = std::function<base::Expected<std::string>(const std::string& body)>;
  [[nodiscard]] int show(const std::string& path, const Show& show);

  // What the daemon says of everything; or the exit code, with the error said.
  [[nodiscard]] std::expected<control::StatusReport, int> fetch_status();
  // The apps that the selectors mean; patterns and "all" need the daemon.
  [[nodiscard]] std::expected<std::vector<std::string>, int> apps() { return apps(line_.selectors); }
  [[nodiscard]] std::expected<std::vector<std::string>, int> apps(const std::vector<Selector>& selectors);
  // The same, or the instances.
  struct Target {
    std::string app;
    std::string instance;  // "43.1" or "43"; empty: all
  };
  [[nodiscard]] std::expected<std::vector<Target>, int> targets();

  // Watches for the cutovers of several apps.
  class Until {
   public:
    explicit Until(const std::vector<std::string>& apps) : waiting_(apps.begin(), apps.end()) {}
    // The exit code once the last of them has got there, or has failed.
    [[nodiscard]] std::optional<int> take(const control::ReportLine& line);

   private:
    std::set<std::string> waiting_;
    bool failed_ = false;
  };

  // Say what went wrong, as text or JSON, and give the exit code.
  [[nodiscard]] int fail(const control::Error& error);
  [[nodiscard]] int fail(const control::CallError& error, std::vector<std::string> details = {});
  [[nodiscard]] int fail(const control::Answer& answer);

  const CommandLine& line_;
  const control::Client& client_;
  Output& out_;
  Output& err_;
  Style style_;
  std::set<std::string> differs_said_;  // how the files differ from what runs
  control::Version daemon_;             // the one that answered last; its pid is 0: not known
  bool watching_ = false;               // status is shown again
};

}  // namespace gracevisor::gvctl
