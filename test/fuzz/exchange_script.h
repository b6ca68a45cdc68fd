// The input of proxy_exchange_fuzz as a script: what clients, instances, the supervisor and the clock do to
// the data path, step by step. It remembers what everybody sent, for the oracle. Thread: the target's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/core_rig.h"

namespace gracevisor::fuzz {

class ExchangeScript {
 public:
  ExchangeScript(const std::uint8_t* data, std::size_t size);

  // Plays all of it.
  void play();
  // Nobody does anything any more but finish: true when every client's connection has come to its end.
  [[nodiscard]] bool bring_to_an_end();

  // What everybody said, for people.
  [[nodiscard]] std::string transcript();

  [[nodiscard]] test::CoreRig& rig() { return rig_; }

  struct Client {
    test::RawEnd* end = nullptr;
    std::string sent;
  };
  [[nodiscard]] const std::vector<Client>& clients() const { return clients_; }
  struct App {
    std::string sent;
    bool finished = false;  // nothing follows, as an end of the connection tells
  };
  // In the order of rig().app(i).
  [[nodiscard]] const std::vector<App>& apps() const { return apps_; }
  // What echoing responses said, "echo TARGET", where that tells for certain whom they answer.
  [[nodiscard]] const std::set<std::string>& echoes() const { return echoes_; }
  // A client on TCP can tell a cut from an end.
  [[nodiscard]] bool tells_cuts() const { return tcp_; }

 private:
  [[nodiscard]] std::uint8_t byte();
  [[nodiscard]] std::string literal();
  void step(unsigned what);
  void connect();
  void client_step(unsigned what);
  void app_step(unsigned what);
  void publish();
  void send_request(Client& client, unsigned kind);
  [[nodiscard]] std::string response(std::size_t app, unsigned kind);
  void send_from_app(std::size_t app, const std::string& bytes);
  void finish_app(std::size_t app);
  void break_off(std::size_t app, bool reset);
  void match_apps() { apps_.resize(rig_.app_connections()); }

  const std::uint8_t* data_;
  std::size_t left_;
  const std::uint8_t setup_;
  const bool tcp_;
  test::CoreRig rig_;
  std::vector<Client> clients_;
  std::vector<App> apps_;
  std::set<std::string> echoes_;
  unsigned requests_ = 0;
};

}  // namespace gracevisor::fuzz
