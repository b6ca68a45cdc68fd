// One request and its response, between a client's connection and an instance.
//
//   request_   route -+-> gather --> (match again: the body is there, or as much of it as is read before)
//                     +-> hold ----> (match again: at every adoption, and now and then)
//                     +-> connect --> relay --> sent         the request's bytes towards the instance
//                     +-> relay | sent                       a pooled connection needs no connect
//                         relay --> dropped                  the instance reads no further: discard the rest
//   response_  waiting --> head --> body --> flush --> done  from nothing at all to all of it with the client
//                  any of these --> parting --> done         the client has left; what was taken still
//                                                            goes to it
//
// A 101 that was asked for, or a connection in TCP mode, leads from sent to a Tunnel (tunnel.h), which takes
// over. In gather there is no lease, and nothing that matters to a cutover or a drain. A failed attempt leads
// from connect, relay or sent back to route. Our own answer goes straight to flush from any state in which
// response_ is `waiting` or `head`. Each stage has one deadline and one action string (see action()).
//
// Owners: a Downstream owns its Exchange, which owns Lease and Upstream. Every ending goes through finish(),
// after which the object may already serve another request: every call that can end it comes last in its
// function. Exchanges are recycled, so that the steady state allocates nothing. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/head.h"
#include "proxy/access_note.h"
#include "proxy/body_relay.h"
#include "proxy/conduit.h"
#include "proxy/ending.h"
#include "proxy/hold_queue.h"
#include "proxy/reader_pace.h"
#include "proxy/reply.h"
#include "proxy/request_memo.h"
#include "proxy/switchboard.h"
#include "proxy/tunnel.h"

namespace gracevisor::proxy {

class Core;
class Downstream;

class Exchange final : public loop::Retirable,
                       private loop::StreamObserver,
                       private HoldQueue::Held,
                       private RequestBuffers::Owner {
 public:
  explicit Exchange(Core& core);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() override;

  // Starts with a head and the bytes behind it; returns how many of those are the request's body. The
  // exchange may have ended on return.
  [[nodiscard]] std::size_t begin(Downstream& client, const http::RequestHead& head, std::string_view rest);
  // Starts a connection in TCP mode: it becomes a Tunnel as soon as an instance takes it. May end it.
  void begin_raw(Downstream& client);
  // More bytes from the client; returns how many are the request's body. May end the exchange.
  [[nodiscard]] std::size_t take_body(std::string_view bytes);
  // False while the client should not be read because what it sends cannot be passed on.
  [[nodiscard]] bool wants_bytes() const noexcept;

  void client_ended();     // FIN
  void client_gone();      // the connection is broken
  void client_drained();   // its write queue is empty
  void client_readable();  // bytes of a spliced body wait at its socket
  void deadline_passed();

  // A leaving endpoint may be closing: ends the exchange if it is there.
  void leave_closing_site();
  // No table lists its listener any more: ends the exchange, unless the client only has to take the rest.
  void leave_listener();
  // Lets go of everything, without telling the client and without counting.
  void abandon() noexcept;

  // What is being done, for people.
  [[nodiscard]] std::string_view action() const noexcept;

 private:
  static constexpr std::size_t kHeldBody = 65536;  // of a request, kept to send it later or again
  // A chunked body that has not ended after this long may be one half of a conversation.
  static constexpr base::Duration kSlowStream = base::Millis(5000);
  enum class Request : std::uint8_t { route, gather, hold, connect, relay, sent, dropped };
  // Why a request waits: no instance is ready, all refuse connections, or the only one may be dying.
  enum class HoldFor : std::uint8_t { ready, connection, judgement, resources };
  enum class Response : std::uint8_t { waiting, head, body, flush, parting, done };

  // The instance's side of the exchange.
  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_readable() override;
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override;
  void match_again() override;
  void body_too_slow() override;

  // exchange.cpp: its beginning, and its deadlines.
  [[nodiscard]] bool acceptable(const http::RequestHead& head);
  void write_head(const http::RequestHead& head, const Switchboard::Routed& routed, bool gathers);
  void enter(LocalApp& app);
  void leave_app() noexcept;
  void arm();
  void start_deadline(base::Duration after);
  void watch_reader();
  [[nodiscard]] bool reader_lags() noexcept;
  [[nodiscard]] std::uint64_t progress() const noexcept;

  // exchange_body.cpp: the request's body.
  [[nodiscard]] std::size_t read_body(std::string_view bytes);
  void forward(const Pieces& pieces);
  void forget_held() noexcept;
  [[nodiscard]] bool body_pending() const noexcept { return body_.reading(); }
  void refuse_body();
  [[nodiscard]] bool fast_enough(std::size_t more) noexcept;
  void client_too_slow();
  [[nodiscard]] bool may_gather(const http::RequestHead& head, Switchboard::Answer answer) const noexcept;
  [[nodiscard]] bool gathered() const noexcept;
  void gather();
  void gather_more();
  void keep_gathered();
  void note_slow_stream() noexcept;
  void leave_buffer() noexcept;
  void frame_gathered();

  // exchange_client.cpp: the client drains, leaves, or is cut off.
  [[nodiscard]] bool serves_half_closed() const noexcept;
  [[nodiscard]] bool client_has_left() const noexcept;
  [[nodiscard]] bool finishes_anyway() const noexcept;
  void client_left();
  void part();
  void cut_client(std::string_view end, Reply why);
  // It has ended, and serves no client now.
  [[nodiscard]] bool over() const noexcept { return client_ == nullptr; }
  [[nodiscard]] bool nothing_answered() const noexcept {
    return response_ == Response::waiting || response_ == Response::head;
  }

  // exchange_end.cpp
  // `at` is the instance to blame; null: the leased one, if any.
  void answer(const http::Refusal& why, const routing::Endpoint* at = nullptr);
  void count_failure(const http::Refusal& why, const routing::Endpoint* at);
  [[nodiscard]] std::string_view error_page(int status) const noexcept;
  void cut(Reply why);
  void end_response();
  void count_unsent() noexcept;
  void let_go() noexcept;
  void let_go_of_app() noexcept;
  void finish(Ending ending);

  // exchange_attempt.cpp: the way to an instance.
  void proceed(Switchboard::Routed routed);
  [[nodiscard]] Switchboard::Routed match(const http::RequestHead* head) noexcept;
  [[nodiscard]] Switchboard::Wanted wanted(const http::RequestHead* head, const Site* failed) const noexcept;
  [[nodiscard]] const routing::ListenerRoutes* listener() const noexcept;
  [[nodiscard]] Switchboard::Routed route(const http::RequestHead* head, const Site* failed) noexcept;
  void route_again(const Site* failed);
  void attempt();
  [[nodiscard]] bool may_reuse() const noexcept;
  void send();
  void let_body_flow() noexcept;
  void fail(Failure failure, int code);
  void try_elsewhere(Site& site);
  void starve(int code);
  void hold(HoldFor what);
  [[nodiscard]] bool still_doubted() const noexcept;
  void hold_passed();
  void stop_sending();
  void become_tunnel(Tunnel::Kind kind, std::string_view from_app);

  // exchange_response.cpp
  void read_head(std::string_view bytes);
  [[nodiscard]] bool pass_interim(const http::ResponseHead& head, std::string_view rest);
  void extend_patience(int status);
  [[nodiscard]] bool changes_protocol(const http::ResponseHead& head) const noexcept;
  [[nodiscard]] bool worth_another(const http::ResponseHead& head);
  void start_response(const http::ResponseHead& head, std::string_view rest);
  void relay_response(std::string_view bytes, std::string_view prefix);
  void end_of_response_input();
  void complete_response(bool reusable);

  // exchange_splice.cpp
  void open_response_conduit();
  void push_response();
  void open_request_conduit();
  void push_request();

  Core& core_;
  Downstream* client_ = nullptr;  // null while recycled
  Request request_ = Request::route;
  Response response_ = Response::waiting;

  // Of the request.
  RequestMemo memo_;
  bool raw_ = false;              // TCP mode
  bool awaits_continue_ = false;  // the body comes only when the client is told to send it, or answered
  bool keep_alive_ = true;        // the client's connection; final once the response's head is planned
  base::TimePoint body_since_{};  // since when it can flow freely; below, how much has
  std::uint64_t body_bytes_ = 0;
  BodyRelay body_;
  Conduit request_conduit_;

  // The request as it is sent. While `held_whole_`, all of it from the first byte, so that it can be sent
  // again; in any case what waits for a connection.
  std::string held_;
  bool held_whole_ = true;
  std::size_t framing_at_ = 0;  // where its head states the body's framing

  // The table under which it began, and what that table says.
  TableHolder::Pin pin_;
  const config::ProxyOptions* options_ = nullptr;
  LocalApp* app_ = nullptr;

  // The current attempt. The lease ends after the connection: declared before it.
  Lease lease_;
  std::unique_ptr<Upstream> upstream_;
  bool backlog_ = false;     // some of the request is queued in upstream_
  bool throttled_ = false;   // so much that the client is not read until it drains
  std::uint64_t sent_ = 0;   // bytes given to upstream_
  bool fresh_only_ = false;  // no pooled connection for the next attempt
  std::size_t connects_failed_ = 0;
  unsigned replays_ = 0;
  std::optional<routing::Identity> doubted_;  // the next attempt waits until this is no target
  base::TimePoint doubted_until_{};           // and given up then

  // While it gathers its body; and for how long it did.
  RequestBuffers::Place buffer_;
  base::Duration gathered_for_{};
  bool slow_stream_ = false;  // counted as such

  // While it waits for an instance.
  HoldQueue::Place place_;
  base::TimePoint held_since_{};
  unsigned hold_turns_ = 0;  // how often it has waited

  // Of the response.
  std::string inbox_;  // the part of a head that has come
  BodyRelay response_body_;
  Conduit response_conduit_;
  unsigned interims_ = 0;
  bool upstream_keep_ = false;  // the connection may be reused after this response
  bool unsent_ = false;  // counted as such: its lease ends, or has ended, before the client has everything
  bool ends_with_close_ = false;  // that is how the client sees that it has everything
  std::uint64_t progress_mark_ = 0;
  ReaderPace pace_;  // of the client, while bytes wait for it

  AccessNote note_;  // for the access log
};

}  // namespace gracevisor::proxy
