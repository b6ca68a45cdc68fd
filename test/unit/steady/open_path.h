// A client's connection through a worker to an instance, both ends open and the test's; exchanges go over it
// as they would in the steady state. Thread: the test's.
#pragma once

#include <string>

#include "support/proxy_rig.h"

namespace gracevisor::test {

// What goes each way, and by which last bytes the other end knows the whole of it.
struct Exchange {
  std::string request;
  std::string request_end;
  std::string response;
  std::string response_end;
};

// GET, answered with a length.
[[nodiscard]] Exchange plain(const std::string& host = "example.com");

// The request with 4 kB of content and a length, or in chunks; the response in chunks.
[[nodiscard]] Exchange upload(const std::string& method);
// As the app sees it with a request buffer, or, `buffered` being false, without one.
[[nodiscard]] Exchange chunked_upload(const std::string& method, bool buffered = true);
// A small body that comes with its head.
[[nodiscard]] Exchange form(const std::string& method);
[[nodiscard]] Exchange chunked_response();

class OpenPath {
 public:
  // Connects; the first exchange makes the worker dial.
  OpenPath(ProxyRig& rig, FakeApp& app, const Exchange& first);

  // One exchange over both connections.
  void exchange(const Exchange& what);
  // The same, but its body is sent only when the worker has read its head.
  void exchange_in_two(const Exchange& what);
  // One for which the worker dials a new connection.
  void dialled_exchange(const Exchange& what);

  // The rest of that: its request is sent already.
  void finish_dialled(const Exchange& what);

  [[nodiscard]] Peer& client() { return client_; }
  [[nodiscard]] Peer& side() { return side_; }

 private:
  void finish(const Exchange& what);

  ProxyRig& rig_;
  FakeApp& app_;
  Peer client_;
  Peer side_;
};

// What the writer thread does: takes the access log's batches and gives them back empty.
void take_access_lines(ProxyRig& rig);
// More empty batches than a test that is held up can leave on the way at a time.
void stock_access_lane(ProxyRig& rig);

}  // namespace gracevisor::test
