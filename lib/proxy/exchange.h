// One request and its response, between a client's connection and an instance.
//
//   request_   route -+-> hold ----> (match again: at every adoption, and now and then)
//                     +-> connect --> relay --> sent         the request's bytes towards the instance
//                     +-> relay | sent                       a pooled connection needs no connect
//                         relay --> dropped                  the instance reads no further: discard the rest
//   response_  waiting --> head --> body --> flush --> done  from nothing at all to all of it with the client
//
// A failed attempt leads from connect, relay or sent back to route. An answer of our own goes from any state
// in which response_ is `waiting` or `head` straight to flush. Each stage has one deadline and one action
// string (see action()).
//
// Owners: a Downstream owns its Exchange, which owns Lease and Upstream. Whatever ends the exchange calls
// finish(), after which the object may serve another request already: every call that can end it stands last
// in its function. Exchanges are recycled, so that the steady state allocates nothing. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/head.h"
#include "proxy/access_note.h"
#include "proxy/body_relay.h"
#include "proxy/hold_queue.h"
#include "proxy/reply.h"
#include "proxy/switchboard.h"

namespace gracevisor::proxy {

class Core;
class Downstream;

// What becomes of the client's connection when an exchange ends.
enum class Ending : std::uint8_t {
  next,    // it carries a further request
  close,   // everything was read and written, and the client knows: close
  linger,  // close, but let the client read the answer before its unread bytes meet a closed socket
  cut,     // the response is incomplete: the client must see that
  gone,    // nobody is there any more
};

class Exchange final : public loop::Retirable, private loop::StreamObserver, private HoldQueue::Held {
 public:
  explicit Exchange(Core& core);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() override;

  // Starts with a head and the bytes behind it; returns how many of those are the request's body. The
  // exchange may have ended on return.
  [[nodiscard]] std::size_t begin(Downstream& client, const http::RequestHead& head, std::string_view rest);
  // More bytes from the client; returns how many are the request's body. May end the exchange.
  [[nodiscard]] std::size_t take_body(std::string_view bytes);
  // False while the client should not be read, because what it sends could not be passed on.
  [[nodiscard]] bool wants_bytes() const noexcept;

  void client_ended();    // FIN
  void client_gone();     // the connection is broken
  void client_drained();  // its write queue is empty
  void deadline_passed();

  // The drain deadline of a leaving endpoint has passed: ends the exchange if it is there.
  void leave_closing_site();
  // Lets go of everything, without telling the client and without counting.
  void abandon() noexcept;

  // What is being done, for people.
  [[nodiscard]] std::string_view action() const noexcept;

 private:
  static constexpr std::size_t kHeldBody = 65536;  // of a request, to send it later or again
  enum class Request : std::uint8_t { route, hold, connect, relay, sent, dropped };
  enum class Response : std::uint8_t { waiting, head, body, flush, done };

  // The instance's side of the exchange.
  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override;
  void match_again() override;

  // exchange.cpp: the client's side.
  void enter(LocalApp& app);
  void leave_app() noexcept;
  void forward(const Pieces& pieces);
  void forget_held() noexcept;
  [[nodiscard]] bool body_pending() const noexcept { return body_.reading(); }
  void refuse_body();
  void arm();
  void start_deadline(base::Duration after);
  [[nodiscard]] std::uint64_t progress() const noexcept;
  [[nodiscard]] bool nothing_answered() const noexcept {
    return response_ == Response::waiting || response_ == Response::head;
  }

  // exchange_end.cpp
  void answer(Reply reply);
  void cut();
  void end_response();
  void let_go() noexcept;
  void finish(Ending ending);

  // exchange_attempt.cpp: the way to an instance.
  void proceed(Switchboard::Routed routed);
  void route_again(const Site* failed);
  void attempt();
  [[nodiscard]] bool may_reuse() const noexcept;
  void send();
  void fail(Failure failure, int code);
  void hold(bool refused);
  void hold_passed();
  void stop_sending();

  // exchange_response.cpp
  void read_head(std::string_view bytes);
  [[nodiscard]] bool pass_interim(const http::ResponseHead& head);
  void start_response(const http::ResponseHead& head, std::string_view rest);
  void relay_response(std::string_view bytes, std::string_view prefix);
  void end_of_response_input();
  void complete_response(bool reusable);

  Core& core_;
  Downstream* client_ = nullptr;  // null while recycled
  Request request_ = Request::route;
  Response response_ = Response::waiting;

  // Of the request.
  http::Method method_ = http::Method::get;
  int minor_ = 1;
  bool keep_alive_ = true;      // of the client's connection; final once the response's head is planned
  bool client_closes_ = false;  // the client said that this request is its last
  bool idempotent_ = true;
  bool expects_continue_ = false;
  bool awaits_continue_ = false;  // the body comes only when the client is told to send it, or answered
  std::string_view accept_;       // a constant: as much of Accept as our own answers need
  std::string host_, path_;       // to match again
  base::TimePoint began_{};
  BodyRelay body_;

  // The request as it is sent: all of it from the first byte as long as `held_whole_`, so that it can be sent
  // again; what waits for a connection in any case.
  std::string held_;
  bool held_whole_ = true;

  // The table it began under, and what that says.
  TableHolder::Pin pin_;
  const config::ProxyOptions* options_ = nullptr;
  LocalApp* app_ = nullptr;

  // The current attempt. The lease ends after the connection: declared before it.
  Lease lease_;
  std::unique_ptr<Upstream> upstream_;
  bool backlog_ = false;     // some of the request is queued in upstream_
  bool throttled_ = false;   // so much that the client is not read until it has drained
  std::uint64_t sent_ = 0;   // bytes given to upstream_
  int write_error_ = 0;      // upstream_ takes no more; what it sent may still be read
  bool fresh_only_ = false;  // no pooled connection for the next attempt
  std::size_t connects_failed_ = 0;
  unsigned replays_ = 0;

  // While it waits for an instance.
  HoldQueue::Place place_;
  base::TimePoint held_since_{};
  unsigned hold_turns_ = 0;  // how often it has waited
  bool refused_ = false;     // because connections were refused

  // Of the response.
  std::string inbox_;  // the part of a head that has come
  BodyRelay response_body_;
  unsigned interims_ = 0;
  bool upstream_keep_ = false;  // the connection may be used again after this response
  std::uint64_t progress_mark_ = 0;

  AccessNote note_;  // for the access log
};

}  // namespace gracevisor::proxy
