#include "support/stalled_clients.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/wait.h"

namespace gracevisor::test {
namespace {

constexpr int kOfEach = 4;
constexpr int kUnchanged = 40;  // looks
constexpr std::chrono::seconds kPatience{30};

// Of every open connection to this port on which bytes have come that were not read: how many.
std::vector<std::uint64_t> unread(unsigned long port) {
  constexpr int kHex = 16;
  std::vector<std::uint64_t> result;
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    std::string queues;
    fields >> number >> local >> remote >> state >> queues;
    const bool established = state == "01";
    if (!established || std::stoul(remote.substr(remote.find(':') + 1), nullptr, kHex) != port) continue;
    const std::uint64_t waiting = std::stoull(queues.substr(queues.find(':') + 1), nullptr, kHex);
    if (waiting > 0) result.push_back(waiting);
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace

StalledClients::StalledClients(const base::Address& listener) {
  auto begin = [&](const std::string& target) {
    auto client = HttpConnection::connect(listener);
    Request request;
    request.target = target;
    if (!client || !client->send(to_text(request))) throw std::runtime_error("nobody takes a request");
    clients_.push_back(std::move(*client));
  };
  for (int i = 0; i < kOfEach; ++i) {
    begin("/bytes?n=200000000");
    begin("/bytes?n=200000000&chunked=1");
  }
}

bool StalledClients::wait_stalled(const control::InstanceStatus& instance) const {
  const unsigned long port = std::stoul(instance.endpoint.substr(1));
  std::vector<std::uint64_t> before;
  int unchanged = 0;
  return wait_until(
      [&] {
        std::vector<std::uint64_t> now = unread(port);
        unchanged = now.size() == size() && now == before ? unchanged + 1 : 0;
        before = std::move(now);
        return unchanged == kUnchanged;
      },
      kPatience);
}

std::size_t StalledClients::count_reset() {
  auto was_reset = [](HttpConnection& client) {
    for (;;) {
      auto more = client.receive();
      if (!more) return more.error().code == ECONNRESET;
      if (!*more) return false;
    }
  };
  return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(), was_reset));
}

std::size_t count_cut(const std::filesystem::path& access_log) {
  std::ifstream log(access_log);
  std::size_t count = 0;
  for (std::string line; std::getline(log, line);) {
    count += line.find("\"end\":\"cut\"") != std::string::npos ? 1U : 0U;
  }
  return count;
}

}  // namespace gracevisor::test
