#include "support/load_generator.h"

#include <algorithm>
#include <optional>

namespace gracevisor::test {
namespace {
constexpr std::size_t kProblemsKept = 5;
}

std::uint64_t LoadResult::answers_with(std::string_view text) const {
  std::uint64_t sum = 0;
  for (const auto& [body, times] : bodies) {
    if (body.find(text) != std::string::npos) sum += times;
  }
  return sum;
}

std::string describe(const LoadResult& result) {
  std::string text = std::to_string(result.ok) + " ok, " + std::to_string(result.other_status) +
                     " non-2xx, " + std::to_string(result.socket_errors) + " socket errors (" +
                     std::to_string(result.connect_errors) + " at connecting), " +
                     std::to_string(result.connections) + " connections, slowest " +
                     std::to_string(result.slowest.count()) + " ms";
  for (const std::string& problem : result.problems) text += "\n  " + problem;
  return text;
}

LoadGenerator::LoadGenerator(base::Address address, Request request, unsigned clients)
    : address_(std::move(address)), request_(std::move(request)) {
  threads_.reserve(clients);
  for (unsigned i = 0; i < clients; ++i) threads_.emplace_back([this] { run(); });
}

LoadGenerator::~LoadGenerator() {
  (void)stop();
}

LoadResult LoadGenerator::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  return so_far();
}

LoadResult LoadGenerator::so_far() {
  std::lock_guard lock(mutex_);
  return result_;
}

void LoadGenerator::run() {
  std::optional<HttpConnection> connection;
  while (!stopping_.load(std::memory_order_relaxed)) {
    auto began = std::chrono::steady_clock::now();
    if (!connection) {
      auto opened = HttpConnection::connect(address_);
      {
        std::lock_guard lock(mutex_);
        ++result_.connections;
        if (!opened) ++result_.connect_errors;
      }
      if (!opened) {
        count(std::unexpected(opened.error()), {});
        continue;
      }
      connection.emplace(std::move(*opened));
    }
    auto answer = connection->exchange(request_);
    if (!answer || !answer->keep_alive) connection.reset();
    count(answer,
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began));
  }
}

void LoadGenerator::count(const base::Expected<Response>& answer, std::chrono::milliseconds took) {
  std::lock_guard lock(mutex_);
  result_.slowest = std::max(result_.slowest, took);
  if (answer && answer->status >= 200 && answer->status < 300) {
    ++result_.ok;
    ++result_.bodies[answer->body];
    return;
  }
  ++(answer ? result_.other_status : result_.socket_errors);
  if (result_.problems.size() < kProblemsKept) {
    result_.problems.push_back(answer ? std::to_string(answer->status) + " " + answer->body
                                      : answer.error().what);
  }
}

}  // namespace gracevisor::test
