// Apps that answer with their names, for tests of what is reached where. Thread: the test's.
#pragma once

#include <regex>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/http_client.h"

namespace gracevisor::test {

// A demo app whose version text is its name. `path`: of its health check.
inline std::string named_app(const std::string& name, const std::string& listen, const std::string& more = "",
                             const std::string& path = "/health") {
  return "[app." + name + "]\ncommand = \"@DEMO@ --version-text " + name + "\"\nlisten = \"" + listen +
         "\"\nhealth = { path = \"" + path + "\", interval = \"50ms\" }\ndeploy.guard = \"100ms\"\n" + more;
}

// The same with a guard that lasts until somebody ends it.
inline std::string guarded_app(const std::string& name, const std::string& listen,
                               const std::string& more = "") {
  std::string text = named_app(name, listen, more);
  const std::string guard = "deploy.guard = \"100ms\"";
  return text.replace(text.find(guard), guard.size(), "deploy.guard = \"10m\"");
}

// The site's listener of this number, as configuration texts name it: "@LISTEN2@".
inline std::string listen_word(unsigned index) {
  return "@LISTEN" + (index == 0 ? "" : std::to_string(index)) + "@";
}

// [listen.public] there.
inline std::string public_listener(unsigned index = 0) {
  return "[listen.public]\naddress = \"" + listen_word(index) + "\"\n";
}

inline std::string host_route(const std::string& host) {
  return "route = \"" + host + "\"\n";
}

inline Request to_host(const std::string& host) {
  Request request;
  request.host = host;
  return request;
}

// 0: nothing answers.
inline int status_at(const base::Address& address, const Request& request = {}) {
  auto answer = fetch(address, request);
  return answer ? answer->status : 0;
}

// The name of the app that answers there, or else what does; empty when nothing answers with 200.
inline std::string served_by(const base::Address& address, const Request& request = {}) {
  auto answer = fetch(address, request);
  if (!answer || answer->status != 200) return "";
  const std::string& words = answer->body;
  return words.starts_with("version ") ? words.substr(8, words.find(' ', 8) - 8) : words;
}
inline std::string served_by(const base::Address& address, const std::string& host) {
  return served_by(address, to_host(host));
}

inline bool refuses(const base::Address& address) {
  return !HttpConnection::connect(address).has_value();
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// How the files differ from what runs, as status says; "changed 2 s ago" without the time.
inline std::vector<std::string> drift_of(const DaemonProcess& daemon) {
  std::vector<std::string> result;
  const auto status = daemon.status();
  if (!status) return {"no status"};
  for (const control::Problem& one : status->problems) {
    if (one.kind != "drift") continue;
    result.push_back(std::regex_replace(one.text, std::regex("changed [0-9]+ s ago"), "changed"));
  }
  return result;
}

}  // namespace gracevisor::test
