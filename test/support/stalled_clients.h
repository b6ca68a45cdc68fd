// Clients that send a request and read nothing of a response that is larger than all buffers on its way: half
// of them with its length, so that it is spliced, the others in chunks, so that it is relayed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "control/messages.h"
#include "support/http_client.h"

namespace gracevisor::test {

class StalledClients {
 public:
  // Sends the requests; a gvdemo answers at the end of them. Throws when nobody listens.
  explicit StalledClients(const base::Address& listener);
  [[nodiscard]] std::size_t size() const { return clients_.size(); }

  // Waits until the daemon reads no response of this instance, which has a port: there are bytes at each of
  // its sockets whenever one looks.
  [[nodiscard]] bool wait_stalled(const control::InstanceStatus& instance) const;
  // Reads to the end: how many connections were reset.
  [[nodiscard]] std::size_t count_reset();

 private:
  std::vector<HttpConnection> clients_;
};

// How many requests were cut, as an access log (JSON) says.
[[nodiscard]] std::size_t count_cut(const std::filesystem::path& access_log);

}  // namespace gracevisor::test
