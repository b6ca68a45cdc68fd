// An application server that people use, as the app behind the daemon, and what each of them has to go
// through.
//
// Its app answers (apps/wsgi.py, config.ru, server.js; nginx.conf where it can):
//   /            200 "version $VERSION pid PID"
//   /none        204
//   /etag        200 with an ETag, 304 with If-None-Match
//   /echo        the request's body
//   /connection  what is the same for all requests on one connection
//   /events      an event stream: a first event, a further one for each request of /next, until one of /end
#pragma once

#include <string>
#include <vector>

namespace gracevisor::test {

struct AppServer {
  std::vector<std::string> programs;  // that it needs
  std::string table;                  // the lines of [app.web], without its listen, version and restart
  bool keeps_connections = true;      // serves several requests on one
  bool puts = false;                  // takes files (PUT, then GET) instead of echoing
  std::string tagged = "/etag";       // what has an ETag
};

// The [app.web] of a server's version, with its listener.
[[nodiscard]] std::string table_of(const AppServer& server, const std::string& version = "v1");

// Requests of every kind pass, on one connection of the client; then its main process is killed under load
// and replaced; then the daemon ends and leaves nothing.
void check_serving(const AppServer& server);
// GET and POST go on over deploys, and none fails.
void check_deploys(const AppServer& server);

}  // namespace gracevisor::test
