// One request's way back to its client: what is sent, not how it travels. An exchange or a tunnel uses it,
// and hears through StreamUser what the client does. Http1 (http1.h) implements it for the one exchange that
// a connection has at a time; a protocol with many streams on a connection would implement it once per
// stream.
//
// Any call that acts on the connection may find it broken. After over() the stream may already serve another
// user, so that call comes last in its function. No view passed to a stream may point into Kit::scratch.
// Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/strong.h"
#include "http/forward.h"
#include "http/head.h"
#include "loop/deadlines.h"
#include "loop/stream.h"
#include "proxy/content.h"
#include "proxy/over.h"
#include "routing/route_table.h"

namespace gracevisor::proxy {

struct TunnelParts;

// As the socket took it: done, queued, broken.
using Sent = loop::WriteResult;

struct HeadSent {
  Sent sent = Sent::done;
  std::size_t bytes = 0;  // of the head alone; 0 if it was dropped
};

class ClientStream : private loop::DeadlineObserver {
 public:
  // With this many bytes queued for one side, the other side is not read.
  static constexpr std::size_t kHighWater = std::size_t{256} << 10;

  struct Facts {
    std::string_view address;  // for X-Forwarded-For; empty on a Unix socket
    base::Epoch since;         // the table under which its connection was accepted
    bool trusted = false;
  };

  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  [[nodiscard]] virtual Facts facts() const noexcept = 0;
  // Null once no table lists the listener. Do not keep the pointer: each adoption may change it.
  [[nodiscard]] virtual const routing::ListenerRoutes* listener() const noexcept = 0;
  // For the user to start and to cancel.
  [[nodiscard]] loop::Deadline& deadline() noexcept { return deadline_; }
  // The client has finished sending.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  // The client is gone: what is sent is dropped until the user ends.
  [[nodiscard]] bool deaf() const noexcept { return deaf_; }
  // Bytes that wait for the socket.
  [[nodiscard]] virtual std::size_t queued() const noexcept = 0;
  // Bytes of this stream that the socket has taken. The count need not begin at 0.
  [[nodiscard]] virtual std::uint64_t taken() const noexcept = 0;
  // How many of them the client's side has acknowledged. Makes a system call.
  [[nodiscard]] virtual std::uint64_t acknowledged() const noexcept = 0;

  // An interim response; a client that would not understand it gets none. become_tunnel() follows a 101.
  [[nodiscard]] virtual HeadSent interim(const http::ResponseHead& head) = 0;
  // A 100 of our own, which tells the client to send the body (RFC 9110 section 10.1.1).
  [[nodiscard]] virtual HeadSent ask_for_body() = 0;
  // The final response's head, in one write with the first of its content. `request_read`, here and below:
  // nothing of the request is left unread, so another request could follow.
  [[nodiscard]] virtual HeadSent head(const http::ResponseHead& head, const http::FieldEdits& edits,
                                      bool request_read, const Content& first) = 0;
  [[nodiscard]] virtual Sent content(const Content& content) = 0;
  // A whole response of our own. The stream fills in what concerns the connection, and the date.
  [[nodiscard]] virtual HeadSent answer(http::OwnAnswer answer, bool request_read) = 0;
  // No further request is taken from this connection.
  virtual void last() noexcept = 0;

  // Bytes as they are: what a tunnel carries.
  [[nodiscard]] virtual Sent raw(std::string_view bytes) = 0;
  // Ends what is sent, once the queued bytes have gone out.
  virtual void finish() = 0;

  // The stream from which content of a known length may be pulled into a pipe. Null: the bytes on it are not
  // bare content. Requires: not deaf().
  [[nodiscard]] virtual loop::Stream* source() noexcept = 0;
  // May the rest of the content go through push()? Not if it has to be framed.
  [[nodiscard]] virtual bool takes_pipe() const noexcept = 0;
  // Empties the pipe into the connection: see loop::Stream::push. Requires: takes_pipe().
  [[nodiscard]] virtual Sent push(loop::Pipe& pipe) = 0;

  // The result of StreamUser::wants_bytes() has changed.
  virtual void reading_changed() = 0;
  // From now on the stream is deaf(). False: it cannot become deaf.
  [[nodiscard]] virtual bool go_deaf() = 0;
  // The exchange is over and has let go of everything; a tunnel with these parts takes its place, and these
  // bytes have come for it already.
  virtual void become_tunnel(TunnelParts parts, std::string_view from_client, std::string_view from_app) = 0;
  // The user is done. `request_read` counts only if `how` is `complete`.
  virtual void over(Over how, bool request_read) = 0;

 protected:
  ClientStream() noexcept : deadline_(*this) {}
  ~ClientStream() = default;

  // The deadline has passed: calls StreamUser::deadline_passed() if there is a user.
  void on_deadline() override = 0;

 private:
  loop::Deadline deadline_;

 protected:
  bool ended_ = false;
  bool deaf_ = false;
};

// What a client's stream serves: an Exchange or a Tunnel. Any call but the const ones may end it.
class StreamUser : public loop::Retirable {
 public:
  // Bytes from the client; returns how many of them are this request's.
  [[nodiscard]] virtual std::size_t take(std::string_view bytes) = 0;
  // False while the client should not be read because what it sends cannot be passed on.
  [[nodiscard]] virtual bool wants_bytes() const noexcept = 0;
  virtual void client_ended() = 0;     // it has finished sending
  virtual void client_gone() = 0;      // its connection is broken
  virtual void client_drained() = 0;   // nothing is queued for it any more
  virtual void client_readable() = 0;  // bytes of a spliced body wait in its socket
  virtual void deadline_passed() = 0;

  // A table was adopted: the endpoint may be closing, or no longer a target.
  virtual void look_at_site() = 0;
  // No table lists the client's listener any more: ends, unless the client only has to receive the rest.
  virtual void leave_listener() = 0;
  // Lets go of everything, without telling the client and without counting.
  virtual void abandon() noexcept = 0;
};

}  // namespace gracevisor::proxy
