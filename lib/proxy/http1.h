// HTTP/1.1 on a client's connection, or bare bytes in TCP mode: finds the requests in what arrives, has them
// served one at a time, and writes what is sent in return.
//
//   idle --bytes--> reading_head --head--> beginning --> exchanging --next--> idle
//      \___________head in one read________/    |   \--> the connection lingers, or closes
//       \--TCP mode--> beginning --> tunnelling <'
//
// deaf(): the client is gone, but its exchange goes on to the end of the response. While idle it owns no
// parser, no exchange and no buffer. Pipelined requests wait in the connection's input. Once there is a
// successor, nothing begins any more: idle and reading_head end there.
// Owners: a Downstream owns it; it owns the exchange or the tunnel. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/client_stream.h"
#include "proxy/exchange.h"
#include "proxy/tunnel.h"

namespace gracevisor::proxy {

class Downstream;

class Http1 final : public ClientStream {
 public:
  explicit Http1(Downstream& connection) noexcept;
  Http1(const Http1&) = delete;
  Http1& operator=(const Http1&) = delete;
  ~Http1() = default;

  // Whether a predecessor has served the connection. Called before begin().
  void continue_after(bool served) noexcept { served_ = served; }
  // How the connection begins, and its events. Each call may end the connection.
  void begin();
  void take(std::string_view bytes);
  void client_ended();
  void client_drained();
  void client_gone();
  void client_readable() { user_->client_readable(); }
  void deadline_passed();
  // No table lists the connection's listener any more.
  void leave_listener();
  // Goes on with what has come, which waited for the successor. Requires: between().
  void serve_here();

  // Nothing is served: no request has begun, or not all of its head has come.
  [[nodiscard]] bool between() const noexcept {
    return state_ == State::idle || state_ == State::reading_head;
  }
  // Something of the client's waits to be served; in TCP mode, that is the connection itself.
  [[nodiscard]] bool asks() const noexcept;
  // At least one head was complete.
  [[nodiscard]] bool served() const noexcept { return served_; }

  // Null while nothing is served.
  [[nodiscard]] StreamUser* user() noexcept { return user_.get(); }
  [[nodiscard]] bool wants_bytes() noexcept;
  // The client will send nothing more.
  void set_ended() noexcept { ended_ = true; }
  // Lets go of what is served, without a word to the client. True: it was an exchange.
  [[nodiscard]] bool abandon() noexcept;

  // ClientStream
  [[nodiscard]] Facts facts() const noexcept override;
  [[nodiscard]] const routing::ListenerRoutes* listener() const noexcept override;
  [[nodiscard]] std::size_t queued() const noexcept override;
  [[nodiscard]] std::uint64_t taken() const noexcept override;
  [[nodiscard]] std::uint64_t acknowledged() const noexcept override;
  [[nodiscard]] HeadSent interim(const http::ResponseHead& head) override;
  [[nodiscard]] HeadSent ask_for_body() override;
  [[nodiscard]] HeadSent head(const http::ResponseHead& head, const http::FieldEdits& edits,
                              bool request_read, const Content& first) override;
  [[nodiscard]] Sent content(const Content& content) override;
  [[nodiscard]] HeadSent answer(http::OwnAnswer answer, bool request_read) override;
  void last() noexcept override { keep_alive_ = false; }
  [[nodiscard]] Sent raw(std::string_view bytes) override;
  void finish() override;
  [[nodiscard]] loop::Stream* source() noexcept override;
  [[nodiscard]] bool takes_pipe() const noexcept override;
  [[nodiscard]] Sent push(loop::Pipe& pipe) override;
  void reading_changed() override;
  [[nodiscard]] bool go_deaf() override;
  void become_tunnel(TunnelParts parts, std::string_view from_client, std::string_view from_app) override;
  void over(Over how, bool request_read) override;

 private:
  enum class State : std::uint8_t { idle, reading_head, beginning, exchanging, tunnelling };

  void on_deadline() override;
  void begin_raw();
  [[nodiscard]] Exchange& begin_exchange();
  void release_user() noexcept;
  void advance(std::string_view fresh);
  [[nodiscard]] std::size_t read_head(std::string_view input);
  void settle();
  [[nodiscard]] Sent write(std::string_view head, const Content& content);
  [[nodiscard]] HeadSent sent_head(Sent sent, std::size_t size) const noexcept;

  // Every idle connection has one of these, so the small members come first, right behind those of the base.
  State state_ = State::idle;
  bool served_ = false;

  // Of the request that is being served.
  bool expects_more_ = false;  // its client may send another one
  bool keep_alive_ = false;    // the connection can carry it; final once the response's head is sent
  std::uint8_t minor_ = 1;     // HTTP/1.minor
  http::Framing::Kind framing_ = http::Framing::Kind::none;  // of the response's content

  Downstream& connection_;
  std::unique_ptr<StreamUser> user_;  // a Tunnel while tunnelling, otherwise an Exchange or null
};

}  // namespace gracevisor::proxy
