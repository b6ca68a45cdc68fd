// A small blocking HTTP/1.1 client for tests, with a deadline on everything. It reads strictly and shares no
// code with lib/http, so that the two can disagree. Thread: the owner's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace gracevisor::test {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Response {
  int status = 0;
  std::string version;  // "HTTP/1.1"
  Headers headers;
  std::string body;  // decoded from chunks
  bool chunked = false;
  bool keep_alive = true;  // the connection can take another request
  // The first field of that name (case-insensitive).
  [[nodiscard]] std::optional<std::string> header(std::string_view name) const;
};

struct Request {
  std::string method = "GET";
  std::string target = "/";
  std::string host = "localhost";
  Headers headers;
  std::string body;
  bool chunked = false;  // send the body in chunks instead of with its length
};

class HttpConnection {
 public:
  [[nodiscard]] static base::Expected<HttpConnection> connect(
      const base::Address& address, std::chrono::milliseconds patience = std::chrono::seconds(10));

  // Sends and reads the answer; interim answers are skipped.
  [[nodiscard]] base::Expected<Response> exchange(const Request& request);
  [[nodiscard]] base::Expected<Response> get(const std::string& target);

  // The parts, for tests of unusual exchanges. Bytes go out as they are; what comes in meanwhile is kept.
  [[nodiscard]] base::Expected<void> send(std::string_view bytes);
  [[nodiscard]] base::Expected<Response> read_response(bool bodiless = false);
  // Reads at least one more byte into the buffer that read_response() uses; false at the end.
  [[nodiscard]] base::Expected<bool> receive();
  [[nodiscard]] const std::string& received() const noexcept { return input_; }
  // Sends FIN.
  void finish_sending();
  // Has the server closed (or broken) the connection, as far as can be seen now?
  [[nodiscard]] bool closed_by_server();
  void set_patience(std::chrono::milliseconds patience) noexcept { patience_ = patience; }

 private:
  HttpConnection(base::UniqueFd fd, std::chrono::milliseconds patience)
      : fd_(std::move(fd)), patience_(patience) {}
  [[nodiscard]] base::Expected<short> wait_for(short events, std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] base::Expected<std::string> take_line();
  [[nodiscard]] base::Expected<std::string> take_bytes(std::uint64_t count);
  [[nodiscard]] base::Expected<Response> read_head();
  [[nodiscard]] base::Expected<void> read_body(Response& response);
  [[nodiscard]] base::Expected<void> read_chunks(Response& response);

  base::UniqueFd fd_;
  std::chrono::milliseconds patience_;
  std::string input_;  // received, not yet read
};

[[nodiscard]] std::string to_text(const Request& request);

// One request on a connection of its own.
[[nodiscard]] base::Expected<Response> fetch(const base::Address& address, const Request& request = {},
                                             std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace gracevisor::test
