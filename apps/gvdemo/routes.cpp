#include "routes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace gracevisor::demo {
namespace {

constexpr std::uint64_t kMostMillis = 600'000;
constexpr std::uint64_t kMostBytes = 1ULL << 30;
constexpr std::uint64_t kMostLines = 1'000'000;

// The number after `name=` in the query, at most `most`; `otherwise` if it is missing or not a number.
std::uint64_t parameter(std::string_view target, std::string_view name, std::uint64_t otherwise,
                        std::uint64_t most) {
  std::size_t question = target.find('?');
  std::string_view rest = question == std::string_view::npos ? "" : target.substr(question + 1);
  while (!rest.empty()) {
    std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    std::string_view digits = pair.substr(equals + 1);
    std::uint64_t value = 0;
    auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (problem != std::errc{} || end != digits.data() + digits.size()) return otherwise;
    return std::min(value, most);
  }
  return otherwise;
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "-" : value;
}

Reply plain(int status, std::string text) {
  Reply reply;
  reply.status = status;
  reply.text = std::move(text);
  return reply;
}

}  // namespace

Reply route(const http::RequestHead& head, std::string_view raw, const Options& options) {
  auto millis = [&](std::uint64_t otherwise) {
    return base::Millis(parameter(head.target, "ms", otherwise, kMostMillis));
  };
  Reply reply;
  if (head.path == "/") {
    reply = plain(200, fmt::format("version {} pid {} generation {} instance {}\n", options.version,
                                   ::getpid(), environment("GV_GENERATION"), environment("GV_INSTANCE")));
    reply.delay = options.reply_delay;
  } else if (head.path == "/health") {
    reply = options.unhealthy ? plain(503, "unhealthy\n") : plain(200, "ok\n");
    reply.delay = options.health_delay;
  } else if (head.path == "/pid") {
    reply = plain(200, fmt::format("{}\n", ::getpid()));
  } else if (head.path == "/headers") {
    reply = plain(200, std::string(raw));
  } else if (head.path == "/slow") {
    reply = plain(200, fmt::format("slow version {} pid {}\n", options.version, ::getpid()));
    reply.delay = millis(1000);
  } else if (head.path == "/bytes") {
    reply.body = Reply::Body::bytes;
    reply.count = parameter(head.target, "n", 1024, kMostBytes);
    reply.chunked = parameter(head.target, "chunked", 0, 1) == 1;
  } else if (head.path == "/stream") {
    reply.body = Reply::Body::lines;
    reply.count = parameter(head.target, "n", 10, kMostLines);
    reply.pause = millis(100);
  } else if (head.path == "/echo") {
    reply.body = Reply::Body::echo;
  } else if (head.path == "/crash") {
    reply.body = Reply::Body::crash;
  } else {
    reply = plain(404, "no such page\n");
  }
  return reply;
}

}  // namespace gracevisor::demo
