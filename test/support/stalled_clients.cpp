#include "support/stalled_clients.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "support/wait.h"

namespace gracevisor::test {
namespace {

constexpr int kOfEach = 3;
constexpr int kLooks = 20;
constexpr std::chrono::seconds kPatience{30};

// How many open connections to this port have bytes that came and were not read.
std::size_t unread(unsigned long port) {
  constexpr int kHex = 16;
  std::size_t result = 0;
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
    if (std::stoull(queues.substr(queues.find(':') + 1), nullptr, kHex) > 0) ++result;
  }
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
  int looks = 0;
  return wait_until(
      [&] {
        looks = unread(port) >= size() ? looks + 1 : 0;
        return looks == kLooks;
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
