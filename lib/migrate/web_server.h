// Does a command start a web server that is known, and where does that listen? Such a command can be put
// behind the proxy without asking: its address becomes the placeholder, and the proxy listens there instead.
// Thread: any; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gracevisor::migrate {

struct WebServer {
  std::string name;                  // "gunicorn"
  std::vector<std::string> command;  // listens on 127.0.0.1:{port}, or on {socket}
  std::string address;  // for `listen`: "127.0.0.1:8000", "unix:/run/web.sock"; empty: only {port}
  bool unix_socket = false;
};

// Unset unless the server is known and the command says its one address.
[[nodiscard]] std::optional<WebServer> web_server(const std::vector<std::string>& command);

// How to put it behind the proxy, for a command that looks like a web server; else empty.
[[nodiscard]] std::string web_hint(const std::vector<std::string>& command);

// The port of "HOST:PORT"; unset unless it is from 1 to 65535.
[[nodiscard]] std::optional<unsigned> port_of(std::string_view address);

}  // namespace gracevisor::migrate
