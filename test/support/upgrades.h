// Daemons that are followed by others (gvctl upgrade), and clients that must not notice. Thread: the test's.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/daemon_process.h"
#include "support/http_client.h"
#include "support/restarts.h"

namespace gracevisor::test {

// How an upgrade went, as `gvctl --json upgrade` tells.
struct Upgraded {
  CommandResult result;
  std::vector<control::ReportLine> lines;

  // "upgrade check start reattached serving handed drained done"
  [[nodiscard]] std::string phases() const;
  // The text of the first line of this phase; empty: there is none.
  [[nodiscard]] std::string text(const std::string& phase) const;
  // From the line "start"; 0: it has not begun.
  [[nodiscard]] pid_t successor() const;
};
[[nodiscard]] std::string describe(const Upgraded& upgrade);

// A line of the report that is none fails the test.
[[nodiscard]] Upgraded read_upgrade(const CommandResult& result);
// gvctl --json upgrade, with these arguments, to its end.
[[nodiscard]] Upgraded upgrade(const DaemonProcess& daemon, const std::vector<std::string>& arguments = {},
                               std::chrono::milliseconds patience = std::chrono::seconds(60));
// The same with --wait. It must be done, and the successor must be the daemon. Returns the successor's pid.
pid_t upgrade_well(const DaemonProcess& daemon, const std::vector<std::string>& arguments = {"--wait"});
// Waits until `gvctl --json upgrade` has told the successor's pid; 0: it does not.
[[nodiscard]] pid_t wait_started(Command& upgrading);

// The pid of the daemon that answers; 0: none does.
[[nodiscard]] pid_t owner(const DaemonProcess& daemon);
[[nodiscard]] pid_t predecessor(const DaemonProcess& daemon);
// All daemons below the keeper, the programs that only check a configuration included.
[[nodiscard]] std::vector<pid_t> daemons(const DaemonProcess& daemon);
// Waits until there is one daemon.
[[nodiscard]] bool wait_alone(const DaemonProcess& daemon,
                              std::chrono::milliseconds patience = std::chrono::seconds(20));
// As population(), which knows of one daemon only.
[[nodiscard]] Population app_processes(const DaemonProcess& daemon);

// A copy of gracevisord, with what it needs beside it, in the site's folder NAME.
[[nodiscard]] std::filesystem::path copy_of_daemon(const Site& site, const std::string& name);
// A program that says it is gracevisord and misbehaves as its name tells (successor_stand_in.cpp).
[[nodiscard]] std::filesystem::path stand_in(const Site& site, const std::string& name);

// test/support/websocket_app.py as an app of this name.
[[nodiscard]] std::string websocket_app(const std::string& name, const std::string& listen,
                                        const std::string& more = "");

// A client of websocket_app.py.
class WebSocket {
 public:
  [[nodiscard]] static std::optional<WebSocket> open(const base::Address& address);

  // Sends the text (at most 125 bytes) and waits until it comes back.
  [[nodiscard]] bool echoes(std::string_view text);
  // Waits for a close frame, and answers it: its status; 0: the connection ended without one, or nothing
  // came.
  [[nodiscard]] unsigned wait_closed();
  // Closes it as a client should, and waits for the answer.
  [[nodiscard]] bool close();
  [[nodiscard]] bool closed_by_server() { return connection_.closed_by_server(); }

 private:
  struct Frame {
    unsigned opcode = 0;
    std::string payload;
  };
  explicit WebSocket(HttpConnection connection) : connection_(std::move(connection)) {}
  [[nodiscard]] bool send(unsigned opcode, std::string_view payload);
  [[nodiscard]] std::optional<Frame> read();

  HttpConnection connection_;
  std::size_t taken_ = 0;  // of what was received
};

}  // namespace gracevisor::test
