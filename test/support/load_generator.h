// Clients that repeat one request on keep-alive connections until they are told to stop, and count strictly:
// an answer other than 2xx, a broken or closed connection and a late answer are all failures. Thread: the
// test's; each client has its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/http_client.h"

namespace gracevisor::test {

struct LoadResult {
  std::uint64_t ok = 0;
  std::uint64_t other_status = 0;
  std::uint64_t socket_errors = 0;
  std::uint64_t connect_errors = 0;  // of those: nothing listened
  std::uint64_t connections = 0;     // tried; as many as clients if none failed or was closed
  std::chrono::milliseconds slowest{};
  std::map<std::string, std::uint64_t> bodies;  // how often each body of a 2xx came
  std::vector<std::string> problems;            // the first few

  [[nodiscard]] std::uint64_t failed() const noexcept { return other_status + socket_errors; }
  // How many 2xx answers contain `text`.
  [[nodiscard]] std::uint64_t answers_with(std::string_view text) const;
};

// One line for a test's message.
[[nodiscard]] std::string describe(const LoadResult& result);

class LoadGenerator {
 public:
  // Starts `clients` threads with a connection each.
  LoadGenerator(base::Address address, Request request, unsigned clients = 4);
  LoadGenerator(const LoadGenerator&) = delete;
  LoadGenerator& operator=(const LoadGenerator&) = delete;
  ~LoadGenerator();

  // Every client ends after the answer that it is waiting for.
  LoadResult stop();
  // What has been counted so far.
  [[nodiscard]] LoadResult so_far();

 private:
  void run();
  void count(const base::Expected<Response>& answer, std::chrono::milliseconds took);

  base::Address address_;
  Request request_;
  std::atomic<bool> stopping_{false};  // written by stop(), read by the clients; nothing else depends on it
  std::mutex mutex_;
  LoadResult result_;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace gracevisor::test
