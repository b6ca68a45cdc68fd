#include "exchange_script.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "http/body.h"
#include "support/wire.h"

namespace gracevisor::fuzz {
namespace {

using namespace std::chrono_literals;
using Family = test::CoreRig::Family;

constexpr std::size_t kMostClients = 4;
constexpr std::size_t kFiller = 65536;

// Orderly: what an instance says has arrived before anybody goes on. Otherwise it may cross the next request
// on a connection that was idle, and be taken for its response, which nobody can prevent.
enum Setup : std::uint8_t { kTcpClients = 1, kTcpApps = 2, kReuse = 12, kSmallBodies = 16, kDisorderly = 32 };

test::CoreRig::Layout layout_of(std::uint8_t setup) {
  return {.clients = (setup & kTcpClients) != 0 ? Family::tcp : Family::local,
          .apps = (setup & kTcpApps) != 0 ? Family::tcp : Family::local,
          .instances = 2};
}

std::string counted(const std::string& content) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" + content;
}

std::string chunk(const std::string& content) {
  const http::ChunkLine line(content.size());
  return std::string(line.text()) + content + "\r\n";
}

constexpr const char* kChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

ExchangeScript::ExchangeScript(const std::uint8_t* data, std::size_t size)
    : data_(data), left_(size), setup_(byte()), tcp_((setup_ & kTcpClients) != 0), rig_(layout_of(setup_)) {
  using Reuse = config::ProxyOptions::Reuse;
  constexpr std::array kReuses{Reuse::idempotent, Reuse::always, Reuse::never, Reuse::idempotent};
  rig_.options.reuse = kReuses.at((setup_ & kReuse) / 4);
  if ((setup_ & kSmallBodies) != 0) rig_.options.max_body = 20;
  rig_.options.balance = config::ProxyOptions::Balance::round_robin;
  rig_.publish();
  connect();
}

std::uint8_t ExchangeScript::byte() {
  if (left_ == 0) return 0;
  --left_;
  return *data_++;
}

std::string ExchangeScript::literal() {
  std::size_t size = std::min<std::size_t>(byte(), left_);
  std::string bytes(reinterpret_cast<const char*>(data_), size);
  data_ += size;
  left_ -= size;
  return bytes;
}

void ExchangeScript::play() {
  while (left_ > 0) step(byte());
  rig_.settle();
}

void ExchangeScript::step(unsigned what) {
  constexpr std::array<base::Duration, 4> kPasses{1s, 5s, 11s, 61s};
  switch (what % 16) {
    case 0:
    case 1:
    case 2:
    case 3: client_step(what); break;
    case 4:
    case 5:
    case 6:
    case 7: app_step(what); break;
    case 8: rig_.settle(); break;
    case 9: rig_.pass(kPasses.at(byte() % kPasses.size())); break;
    case 10: publish(); break;
    case 11: connect(); break;
    case 12: rig_.refuse(byte() % 2); break;
    case 13:
      // Pumps the ends, and turns the loop once.
      for (Client& client : clients_) (void)client.end->pump();
      for (std::size_t i = 0; i < rig_.app_connections(); ++i) (void)rig_.app(i)->pump();
      rig_.turn();
      break;
    default: rig_.settle(); break;
  }
  match_apps();
}

void ExchangeScript::connect() {
  // The listener is closed with the table, though the rig still holds its socket.
  if (clients_.size() < kMostClients && !rig_.closing) clients_.push_back({&rig_.connect(), ""});
}

void ExchangeScript::client_step(unsigned what) {
  Client& client = clients_[(what / 16) % clients_.size()];
  const unsigned kind = byte();
  switch (what % 4) {
    case 0: send_request(client, kind); break;
    case 1: {
      const std::string bytes = literal();
      client.sent += bytes;
      client.end->send(bytes);
      break;
    }
    case 2: send_request(client, kind % 8); break;
    default:
      switch (kind % 6) {
        case 0: client.end->finish_writing(); break;
        case 1: client.end->close(); break;
        case 2: client.end->reset(); break;
        case 3: client.end->pause(true); break;
        case 4: client.end->pause(false); break;
        default: {
          const std::string filler(kFiller << (kind / 6 % 4), 'x');
          client.sent += filler;
          client.end->send(filler);
        }
      }
  }
}

void ExchangeScript::app_step(unsigned what) {
  match_apps();
  if (apps_.empty()) return;
  // The last ones, from the last.
  const std::size_t app = apps_.size() - 1 - (what / 16) % apps_.size();
  const unsigned kind = byte();
  switch (what % 4) {
    case 0:
    case 2: send_from_app(app, response(app, kind)); break;
    case 1: send_from_app(app, literal()); break;
    default:
      switch (kind % 6) {
        case 0: finish_app(app); break;
        case 1: break_off(app, false); break;
        case 2: break_off(app, true); break;
        case 3: rig_.app(app)->pause(true); break;
        case 4: rig_.app(app)->pause(false); break;
        default: send_from_app(app, std::string(kFiller << (kind / 6 % 4), 'y'));
      }
  }
}

// Targets come and go; what leaves stays listed until nothing holds it, as the supervisor does it.
void ExchangeScript::publish() {
  const unsigned how = byte();
  rig_.settle();
  routing::AppRoutes& web = rig_.web;
  web.targets.clear();
  web.leaving.clear();
  for (unsigned i = 0; i < 2; ++i) {
    const routing::EndpointRef& endpoint = rig_.endpoint(i);
    const bool held = rig_.cell(i).leases.read() > 0;
    if ((how >> i & 1U) != 0) {
      web.targets.push_back(endpoint);
    } else if (held || (how & 4U) != 0) {
      web.leaving.push_back({endpoint, (how & 8U) != 0});
    }
  }
  web.mode = (how & 16U) != 0 ? routing::AppMode::stopped : routing::AppMode::hold;
  if (!web.targets.empty()) web.mode = routing::AppMode::live;
  rig_.closing = rig_.closing || (how & 0xe0U) == 0xe0U;
  rig_.publish();
}

void ExchangeScript::send_request(Client& client, unsigned kind) {
  const std::string target = " /" + std::to_string(++requests_);
  const std::string head = target + " HTTP/1.1\r\nHost: h\r\n";
  const std::string old = target + " HTTP/1.0\r\n";
  std::string bytes;
  switch (kind % 20) {
    case 0: bytes = "GET" + head + "\r\n"; break;
    case 1: bytes = "HEAD" + head + "\r\n"; break;
    case 2: bytes = "POST" + head + "Content-Length: 5\r\n\r\nhello"; break;
    case 3: bytes = "PUT" + head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"; break;
    case 4: bytes = "GET" + old + "\r\n"; break;
    case 5: bytes = "GET" + old + "Connection: keep-alive\r\n\r\n"; break;
    case 6: bytes = "GET" + head + "Connection: close\r\n\r\n"; break;
    case 7: bytes = "POST" + head + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"; break;
    case 8: bytes = "POST" + head + "Content-Length: 5\r\n\r\n"; break;
    case 9: bytes = "PUT" + head + "Transfer-Encoding: chunked\r\n\r\n"; break;
    case 10: bytes = "PUT" + head + "Content-Length: 262144\r\n\r\n"; break;
    case 11: bytes = "hello"; break;
    case 12: bytes = "5\r\nhello\r\n"; break;
    case 13: bytes = "0\r\n\r\n"; break;
    case 14: bytes = "10000\r\n"; break;
    case 15: bytes = "GET" + target + "\r\n\r\n"; break;
    case 16: bytes = "POST" + head + "Idempotency-Key: 1\r\nContent-Length: 5\r\n\r\nhello"; break;
    case 17: bytes = "\r\n"; break;
    case 18: bytes = "GET" + head + "Connection: Upgrade\r\nUpgrade: x\r\n\r\n"; break;
    default: bytes = "GET" + head + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"; break;
  }
  client.sent += bytes;
  client.end->send(bytes);
}

// Echoing ones name the request that they answer, as a client can check.
std::string ExchangeScript::response(std::size_t app, unsigned kind) {
  rig_.app(app)->pause(false);
  rig_.settle();
  match_apps();
  std::string echo = "nothing";
  auto requests = test::read_requests(rig_.app(app)->received()).messages;
  if (!requests.empty()) {
    const std::string& start = requests.back().start;
    echo = "echo " + start.substr(start.find(' ') + 1, start.rfind(' ') - start.find(' ') - 1);
    if ((setup_ & kDisorderly) == 0) echoes_.insert(echo);
  }
  constexpr const char* kHints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  switch (kind % 22) {
    case 0:
    case 1: return counted(echo);
    case 2: return kChunkedHead + chunk(echo.substr(0, 4)) + chunk(echo.substr(4)) + "0\r\n\r\n";
    case 3: return "HTTP/1.1 200 OK\r\n\r\n" + echo;
    case 4: return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    case 5: return "hello";
    case 6: return kChunkedHead;
    case 7: return "05\r\nhello\r\n";
    case 8: return "0\r\n\r\n";
    case 9: return kHints;
    case 10: return "HTTP/1.1 100 Continue\r\n\r\n";
    case 11: return "HTTP/1.1 204 No Content\r\n\r\n";
    case 12: return "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n";
    case 13: return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    case 14: return counted(echo) + "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";
    case 15: return "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
    case 16: return "HTTP/1.1 200 OK\r\nContent-Length: 262144\r\n\r\n";
    case 17: return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
    case 18: return "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno";
    case 19: return kHints + counted(echo);
    case 20: return "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    // With a frame that has begun.
    default: return "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05he";
  }
}

void ExchangeScript::send_from_app(std::size_t app, const std::string& bytes) {
  if (apps_[app].finished || !rig_.app(app)->connected()) return;
  apps_[app].sent += bytes;
  const bool orderly = (setup_ & kDisorderly) == 0;
  if (orderly) rig_.settle();
  rig_.app(app)->send(bytes);
  if (orderly) rig_.settle();
}

void ExchangeScript::finish_app(std::size_t app) {
  if (apps_[app].finished || !rig_.app(app)->connected()) return;
  apps_[app].finished = true;
  rig_.app(app)->finish_writing();
}

// Without a FIN of its own, but where no reset is told it looks like one.
void ExchangeScript::break_off(std::size_t app, bool reset) {
  test::RawEnd& end = *rig_.app(app);
  if (!end.connected()) return;
  (void)end.pump();
  App& known = apps_[app];
  known.sent.resize(known.sent.size() - end.waiting());
  known.finished = known.finished || !reset || (setup_ & kTcpApps) == 0;
  if (reset) {
    end.reset();
  } else {
    end.close();
  }
}

bool ExchangeScript::bring_to_an_end() {
  constexpr int kMostRounds = 500;
  for (const Client& client : clients_) client.end->pause(false);
  for (int round = 0; round < kMostRounds; ++round) {
    std::size_t finished = 0;
    do {
      finished = rig_.app_connections();
      match_apps();
      for (std::size_t i = 0; i < finished; ++i) {
        rig_.app(i)->pause(false);
        finish_app(i);
      }
      rig_.settle();
    } while (rig_.app_connections() > finished);
    const bool open = std::any_of(clients_.begin(), clients_.end(), [](const Client& client) {
      return client.end->connected() && client.end->end() == test::End::open;
    });
    if (!open && rig_.leases() == 0) return true;
    rig_.pass(31s);
  }
  return false;
}

std::string ExchangeScript::transcript() {
  constexpr std::size_t kMost = 2000;
  constexpr std::array kEnds{"open", "finished", "reset"};
  std::string out;
  auto add = [&out](const std::string& title, const std::string& bytes) {
    out += "--- " + title + "\n" + bytes.substr(0, kMost) + "\n";
  };
  for (std::size_t i = 0; i < apps_.size(); ++i) {
    add("instance's connection " + std::to_string(i) + " got", rig_.app(i)->received());
    add(apps_[i].finished ? "and said, and ended" : "and said", apps_[i].sent);
  }
  for (const Client& client : clients_) {
    add("client sent", client.sent);
    add("and got, in the end " + std::string(kEnds.at(static_cast<std::size_t>(client.end->end()))),
        client.end->received());
  }
  return out;
}

}  // namespace gracevisor::fuzz
