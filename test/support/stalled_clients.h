// Clients that send a request and read nothing of a response that is larger than all buffers on its way. Half
// of the responses come with a length, so that they are spliced, the others in chunks, so that they are
// relayed. Thread: the test's.
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
  // Sends the requests; the app behind `listener` must be gvdemo. Throws when nothing listens.
  explicit StalledClients(const base::Address& listener);
  [[nodiscard]] std::size_t size() const { return clients_.size(); }

  // Waits until the daemon reads no response of this instance, which must have a port: look after look finds
  // unread bytes on every connection to it.
  [[nodiscard]] bool wait_stalled(const control::InstanceStatus& instance) const;
  // Reads to the end of every connection; returns how many were reset.
  [[nodiscard]] std::size_t count_reset();

 private:
  std::vector<HttpConnection> clients_;
};

// How many requests were cut, according to an access log (JSON).
[[nodiscard]] std::size_t count_cut(const std::filesystem::path& access_log);

}  // namespace gracevisor::test
