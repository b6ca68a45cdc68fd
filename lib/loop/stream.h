// A connection, TCP or Unix: reads into the loop's one shared buffer, writes what the socket takes at once
// and queues a copy of the rest.
//
// A member of the object that uses it: closed until adopt() or dial() opens it; either may open it again
// after close(). The owner implements StreamObserver and may close or destroy the Stream in any of its
// callbacks; nothing is called afterwards. No callback ever runs inside a call to the Stream. Closing closes
// the descriptor within the same loop turn (the close callback frees only memory). Unless stated otherwise, a
// call requires an open stream.
// Thread: the loop's.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "loop/pipe.h"

struct uv_stream_s;

namespace gracevisor::loop {

class StreamObserver {
 public:
  // dial() has succeeded: the stream can be written.
  virtual void on_connected() {}
  // Bytes arrived; valid during the call.
  virtual void on_bytes(std::string_view bytes) = 0;
  // Bytes have arrived on a stream that leave_unread() told not to read them.
  virtual void on_readable() {}
  // The peer finished sending (FIN); our side may still write.
  virtual void on_end() = 0;
  // The connection is broken (or dial() failed): errno value. Reading has stopped and nothing further is
  // reported; if a write failed, bytes received before can still be read with start_reading(), up to on_end()
  // or another on_broken().
  virtual void on_broken(int code) = 0;
  // The write queue is empty again after write() said `queued`.
  virtual void on_drained() = 0;

 protected:
  ~StreamObserver() = default;
};

enum class WriteResult {
  done,    // the socket took everything
  queued,  // a copy of the rest waits; on_drained() follows, unless the connection breaks first
  broken,  // nothing more can be written; what arrived before may still be read
};

class Stream {
 public:
  explicit Stream(StreamObserver& observer) noexcept : observer_(&observer) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { close(); }

  // Takes over a connected, non-blocking socket of this address family. After an error, here or from dial(),
  // it is closed.
  [[nodiscard]] base::Expected<void> adopt(Loop& loop, base::UniqueFd socket, int family);
  // Connects. A Unix socket is connected() on return or has failed; no callback follows (EAGAIN: its backlog
  // is full; EACCES: the address has an owner, and another user listens there; nothing was sent). A TCP
  // connection has only begun: on_connected() or on_broken() follows; after an error here neither does.
  [[nodiscard]] base::Expected<void> dial(Loop& loop, const base::Address& address);
  // Idempotent. Nothing is sent while somebody else has a descriptor of the socket, such as another process
  // that goes on with it; this loop hears nothing more of it.
  void close() noexcept;

  // Whether it is open, connected() or not.
  [[nodiscard]] bool open() const noexcept { return handle_ != nullptr; }
  [[nodiscard]] bool connected() const noexcept { return connected_; }

  // A connection may change hands: an upstream connection goes from its exchange to the pool and back.
  void observe_with(StreamObserver& observer) noexcept { observer_ = &observer; }

  // Idempotent. Stopping and starting costs two system calls: for back-pressure only, never per request.
  [[nodiscard]] base::Expected<void> start_reading();
  void stop_reading();
  [[nodiscard]] bool reading() const noexcept { return reading_; }

  // Writes in order, after anything already queued. At most 64 pieces. The pieces need not outlive the call.
  [[nodiscard]] WriteResult write(std::span<const std::string_view> pieces);
  [[nodiscard]] WriteResult write(std::string_view bytes) { return write(std::span(&bytes, 1)); }
  // Bytes waiting for the socket; 0 when closed.
  [[nodiscard]] std::size_t queued() const noexcept;

  // Bytes that the kernel has taken and the peer has not acknowledged yet (SIOCOUTQ: a system call); 0 if the
  // kernel does not say.
  [[nodiscard]] std::size_t unacknowledged() const noexcept;
  // Bytes received but not yet read; a system call.
  [[nodiscard]] std::size_t unread() const noexcept;

  // Splicing: content passes through a pipe unseen, from a stream that is left unread to one to which nothing
  // else is written meanwhile.
  // If true, on_readable() is called instead of on_bytes() from now on, while it is reading.
  void leave_unread(bool unread) noexcept { unread_ = unread; }
  // Moves what has arrived, at most `most` bytes, into an empty pipe; 0: nothing is there now. Unset: nothing
  // more comes this way; reading again will tell why.
  [[nodiscard]] std::optional<std::size_t> pull(Pipe& pipe, std::size_t most);
  // Empties the pipe: `done`; `queued`: call again from on_drained().
  [[nodiscard]] WriteResult push(Pipe& pipe);

  // Half-close: FIN after the queue is written. The read side stays open.
  void finish_writing();
  // Closes with RST if the protocol has one (TCP), so that a truncated response is not mistaken for a
  // complete one.
  void reset() noexcept;

  [[nodiscard]] int descriptor() const;

 private:
  struct Callbacks;
  [[nodiscard]] base::Expected<void> create(Loop& loop, int family);
  [[nodiscard]] base::Expected<void> connect_tcp(const base::Address& address);
  [[nodiscard]] base::Expected<void> connect_unix(const base::Address& address);
  [[nodiscard]] int pending_error() const;
  void report_broken(int code);

  StreamObserver* observer_;
  uv_stream_s* handle_ = nullptr;  // null: closed
  bool connected_ = false;
  bool reading_ = false;
  bool unread_ = false;
  bool broken_ = false;      // the observer was told
  bool reset_ = false;       // by the peer; the kernel reports it only once, to the first call
  bool drain_owed_ = false;  // write() said `queued` and on_drained() has not followed yet
};

}  // namespace gracevisor::loop
