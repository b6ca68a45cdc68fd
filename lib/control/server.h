// The control API's server: HTTP/1.1 over a Unix socket on the supervisor's loop. It reads whole requests,
// checks who asks, and hands them to one Handler; what the paths mean is the handler's business.
//
// Bounds: 64 connections, of them 32 whose stream has no end of its own; 8 of either are kept for admins.
// When all are taken, the one that has been waited for longest, and longer than 5 s, to ask or to leave makes
// room for the next. Where the process has no descriptor left, some that are held for this are given up. A
// head of 32 KiB, a body of 1 MiB; 10 s for a whole request, and as long for the next one on the same
// connection; of a stream 1 MiB may wait for a slow reader, then the connection is dropped. A client that
// ends its side before the answer is whole has left. Requests are not pipelined: what arrives before the
// answer is whole is thrown away, and the connection closes after it. Thread: the loop's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "control/access.h"
#include "control/admission.h"
#include "control/reply.h"
#include "http/head.h"
#include "loop/loop.h"

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
  virtual void handle(const Request& request, std::shared_ptr<Reply> reply) = 0;

 protected:
  ~Handler() = default;
};

class Server {
 public:
  // The handler must outlive the server; the caller holds the folder's InstanceLock.
  [[nodiscard]] static base::Expected<std::unique_ptr<Server>> open(loop::Loop& loop,
                                                                    const std::string& socket_path,
                                                                    const AccessPolicy& policy,
                                                                    Handler& handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // Connections close at once; Replies that are still held become inert, without a notice.
  ~Server();

  // From now on; who is connected stays.
  void admit(const Admission& admission) noexcept;
  // Looks whether the socket's file is still there, and binds it again where it is not: true then. The caller
  // holds the folder's lock. After an error the server listens no more than before.
  [[nodiscard]] base::Expected<bool> renew_socket();
  // A connection that waits could not be accepted at once: errno's value. Once a minute at most.
  void on_short(std::function<void(int code)> told);

  [[nodiscard]] std::size_t connections() const noexcept;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gracevisor::control
