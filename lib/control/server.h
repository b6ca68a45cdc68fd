// The control API's server: HTTP/1.1 over a Unix socket on the supervisor's loop. It reads complete requests,
// checks who is asking, and passes them to one Handler, which decides what the paths mean.
//
// Bounds: 64 connections, of which 32 may have a stream that does not end by itself; 8 of each are kept for
// admins. When all are taken, the connection that has kept us waiting longest for its request or its end, if
// for more than 5 s, makes room for the next, but an admin's never does so for another role's. If the process
// has no descriptor left, spare ones held for this purpose are given up. A head has at most 32 KiB and a body
// 1 MiB. A request must be complete within 10 s, and so must the next one on the same connection. Up to 1 MiB
// of a stream may wait for a slow reader; beyond that the connection is dropped. A client that ends its side
// before the answer is complete counts as having left. Requests are not pipelined: what arrives before the
// answer is complete is discarded, and the connection closes after it.
//
//   serving <- pause(), resume() -> paused -- leave() --> left
//
// While another process gets ready to take over, the server is paused: clients that connect wait in the
// backlog, for either of the two. Thread: the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/holder.h"
#include "control/access.h"
#include "control/admission.h"
#include "http/head.h"
#include "loop/loop.h"
#include "serve/response.h"

namespace gracevisor::control {

struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
  Role role = Role::none;  // never none when a handler sees it
};

struct Request {
  http::Method method = http::Method::get;   // get or post
  std::string path;                          // percent-decoded
  std::map<std::string, std::string> query;  // decoded
  std::string body;
  Peer peer;
};

class Handler {
 public:
  virtual void handle(const Request& request, std::shared_ptr<serve::Response> response) = 0;

 protected:
  ~Handler() = default;
};

class Server {
 public:
  // The handler and the holder must outlive the server; the caller holds the folder's InstanceLock. `holder`,
  // which may be null, has the socket for the next daemon, and may have that of a former one.
  [[nodiscard]] static base::Expected<std::unique_ptr<Server>> open(loop::Loop& loop,
                                                                    const std::string& socket_path,
                                                                    const AccessPolicy& policy,
                                                                    Handler& handler,
                                                                    base::Holder* holder = nullptr);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // Connections close at once; Responses that are still held become inert, and on_gone() notices do not run.
  ~Server();

  // Applies from now on; existing connections stay.
  void admit(const Admission& admission) noexcept;
  // Checks whether the socket's file is still there; if not, binds it again and returns true. The caller
  // holds the folder's lock. After an error the server is as reachable as before. Only done while serving.
  [[nodiscard]] base::Expected<bool> renew_socket();
  // No connection is accepted any more; those that are open stay.
  void pause();
  // After an error it is still paused.
  [[nodiscard]] base::Expected<void> resume();
  // The socket is another process's from now on, with all who wait in its backlog. Every connection closes at
  // once, its stream cut, except the one whose request `stays` answers; null: there is none.
  void leave(const serve::Response* stays);
  // Calls `told` with the errno value, at most once a minute, if a waiting connection could not be accepted
  // at once.
  void on_short(std::function<void(int code)> told);

  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gracevisor::control
