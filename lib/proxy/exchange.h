// One request and its response, between a client's connection and an instance.
//
//   request_   route -+-> gather --> (match again: the body, or as much as is read beforehand, is there)
//                     +-> hold ----> (match again: at every adoption, and now and then)
//                     +-> connect --> relay --> sent         the request's bytes towards the instance
//                     +-> relay | sent                       a pooled connection needs no connect
//                         relay --> dropped                  the instance reads no further: discard the rest
//   response_  waiting --> head --> body --> flush --> done  from nothing until the client has all of it
//                  any of these --> parting --> done         the client has left; what was read from the
//                                                            instance still goes to it
//
// A 101 that was asked for leads from sent to a Tunnel (tunnel.h), which takes over; a connection in TCP mode
// gets there from connect. In gather there is no lease, and nothing that matters to a cutover or a drain. A
// failed attempt leads from connect, relay, sent or dropped back to route, or to hold. Our own answer goes
// straight to flush from any state in which response_ is `waiting` or `head`. Each stage has one deadline and
// one action string (see action()).
//
// Owners: the implementation of ClientStream owns the Exchange, which owns its Lease and its Upstream. Every
// ending but abandon() goes through finish() or become_tunnel(), after which the object may already serve
// another request: every call that can end it comes last in its function. Exchanges are recycled, so that the
// steady state allocates nothing. Thread: the worker's.
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
#include "proxy/client_stream.h"
#include "proxy/conduit.h"
#include "proxy/content_reader.h"
#include "proxy/hold_queue.h"
#include "proxy/reader_pace.h"
#include "proxy/reply.h"
#include "proxy/request_memo.h"
#include "proxy/switchboard.h"
#include "proxy/tunnel.h"

namespace gracevisor::proxy {

struct Kit;

class Exchange final : public StreamUser,
                       private loop::StreamObserver,
                       private HoldQueue::Held,
                       private RequestBuffers::Owner {
 public:
  explicit Exchange(Kit& kit);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() override;

  // Starts with a head and the bytes behind it; returns how many of those are the request's body. The
  // exchange may have ended on return.
  [[nodiscard]] std::size_t begin(ClientStream& client, const http::RequestHead& head, std::string_view rest);
  // Starts a connection in TCP mode: it becomes a Tunnel as soon as an instance takes it. May end it.
  void begin_raw(ClientStream& client);

  // StreamUser
  [[nodiscard]] std::size_t take(std::string_view bytes) override;
  [[nodiscard]] bool wants_bytes() const noexcept override;
  void client_ended() override;
  void client_gone() override;
  void client_drained() override;
  void client_readable() override;
  void deadline_passed() override;
  void look_at_site() override;
  void leave_listener() override;
  void abandon() noexcept override;

  // What is being done now, in words for people.
  [[nodiscard]] std::string_view action() const noexcept;

 private:
  static constexpr std::size_t kHeldBody = 65536;  // of a request, kept to send it later or again
  // A chunked body that has not ended after this long may be one half of a conversation.
  static constexpr base::Duration kSlowStream = base::Millis(5000);
  enum class Request : std::uint8_t { route, gather, hold, connect, relay, sent, dropped };
  // Why a request waits: no instance is ready, all refuse connections, the only one may be dying, or we lack
  // the means to connect.
  enum class HoldFor : std::uint8_t { ready, connection, judgement, resources };
  enum class Response : std::uint8_t { waiting, head, body, flush, parting, done };

  // What each part of its life has to remember: an Attempt until it ends, the others until the exchange does.
  // Each is reset by `= {}`; what keeps memory or owns something stands outside them.

  // The request's body, as the client sends it.
  struct Upload {
    base::TimePoint since{};        // since when it can flow freely
    std::uint64_t bytes = 0;        // that have come since then
    base::Duration gathered_for{};  // how long gathering took
    bool awaits_continue = false;   // it comes only once the client is told to send it, or answered
    bool slow_stream = false;       // counted as such
  };
  // The current attempt, until it ends.
  struct Attempt {
    std::uint64_t sent = 0;  // bytes given to the instance
    bool backlog = false;    // some of the request is queued there
    bool throttled = false;  // so much that the client is not read until that drains
  };
  // What earlier attempts mean for the next one.
  struct Tries {
    bool fresh_only = false;  // no pooled connection
    unsigned replays = 0;
    std::size_t connects_failed = 0;
    std::optional<routing::Identity> doubted;  // the request waits until this is no longer a target
    base::TimePoint doubted_until{};           // and is given up at this time
  };
  // The wait for an instance.
  struct Waiting {
    base::TimePoint since{};  // when the first wait began
    unsigned turns = 0;       // how often it has waited
  };
  // The instance's response.
  struct Answer {
    unsigned interims = 0;
    bool upstream_keep = false;  // the connection may be reused after this response
    bool unsent = false;  // counted as such: its lease ends, or has ended, before the client has everything
  };

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
  [[nodiscard]] base::Duration send_timeout() const noexcept;
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

  // exchange_client.cpp: the client takes what waits for it, leaves, or is cut off.
  [[nodiscard]] bool serves_half_closed() const noexcept;
  [[nodiscard]] bool client_has_left() const noexcept;
  [[nodiscard]] bool finishes_anyway() const noexcept;
  void client_left();
  void part();
  void cut_client(std::string_view end, Reply why);
  // The exchange has ended, and serves no client now.
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
  void finish(Over how);

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
  void stop_sending();
  void fail(Failure failure, int code);
  void count_retry(Site& site, const FailedAttempt& attempt);
  void follow(Verdict verdict, Site& site);
  void try_elsewhere(Site& site);
  void become_tunnel(Tunnel::Kind kind, std::string_view from_app);

  // exchange_hold.cpp: the wait for an instance.
  void starve(int code);
  void hold(HoldFor what);
  void doubt(const Site& site);
  [[nodiscard]] bool still_doubted() const noexcept;
  void hold_passed();

  // exchange_response.cpp
  void read_head(std::string_view bytes);
  [[nodiscard]] bool pass_interim(const http::ResponseHead& head, std::string_view rest);
  void extend_patience(int status);
  [[nodiscard]] bool changes_protocol(const http::ResponseHead& head) const noexcept;
  [[nodiscard]] bool worth_another(const http::ResponseHead& head);
  void start_response(const http::ResponseHead& head, std::string_view rest);
  void relay_response(std::string_view bytes);
  void end_of_response_input();
  void complete_response(bool reusable);

  // exchange_splice.cpp
  void open_response_conduit();
  void push_response();
  void open_request_conduit();
  void close_request_conduit() noexcept;
  void push_request();

  Kit& kit_;
  ClientStream* client_ = nullptr;  // null while recycled
  Request request_ = Request::route;
  Response response_ = Response::waiting;

  // The request, and the table under which it began.
  RequestMemo memo_;
  bool raw_ = false;  // TCP mode
  BodyRelay body_;
  Upload upload_;
  Conduit request_conduit_;
  TableHolder::Pin pin_;
  const config::ProxyOptions* options_ = nullptr;  // as that table says
  LocalApp* app_ = nullptr;

  // The request as it is sent: while `held_whole_`, all of it from the first byte, so that it can be sent
  // again; in any case the part that waits for a connection.
  std::string held_;
  bool held_whole_ = true;
  std::size_t framing_at_ = 0;  // where its head states the body's framing

  // Its way to an instance. The lease ends after the connection, so it is declared before it.
  Lease lease_;
  std::unique_ptr<Upstream> upstream_;
  Attempt attempt_;
  Tries tries_;
  RequestBuffers::Place buffer_;  // while it gathers its body
  HoldQueue::Place place_;        // while it waits for an instance
  Waiting waiting_;

  // The response.
  std::string inbox_;  // the part of a head that has come
  ContentReader response_body_;
  Conduit response_conduit_;
  Answer answer_;
  ReaderPace pace_;                  // of the client, while bytes wait for it
  std::uint64_t progress_mark_ = 0;  // progress() when the deadline began

  AccessNote note_;  // for the access log
};

}  // namespace gracevisor::proxy
