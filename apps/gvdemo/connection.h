// One client's connection: requests in order, each answered before the next one is read.
//
//   head --complete--> body --finished--> delay --due--> sending --all written--> head
//     \--refused---------------------------------------------/            \--no keep-alive--> ending
//   (an echo sends while it reads: body goes straight to head or ending)
//
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "http/body.h"
#include "http/head.h"
#include "loop/listener.h"
#include "loop/loop.h"
#include "loop/stream.h"
#include "loop/timer.h"
#include "options.h"
#include "routes.h"

namespace gracevisor::demo {

class Connection;

// What a connection needs from the server; outlives it.
class Host {
 public:
  [[nodiscard]] virtual const Options& options() const = 0;
  // No further request is wanted: the process is ending.
  [[nodiscard]] virtual bool stopping() const = 0;
  // The connection is over; destroy it after the turn.
  virtual void over(Connection& connection) = 0;

 protected:
  ~Host() = default;
};

class Connection final : public loop::StreamObserver, public loop::Retirable {
 public:
  [[nodiscard]] static base::Expected<std::unique_ptr<Connection>> open(loop::Loop& loop,
                                                                        loop::Accepted accepted, Host& host);
  // The process is ending: an idle connection closes now, a busy one after its answer.
  void stop();

 private:
  enum class State : std::uint8_t { head, body, delay, sending, ending, over };

  Connection(loop::Loop& loop, Host& host);
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override;

  // Makes as much progress as possible; returns when it has to wait for bytes, time or the socket.
  void advance();
  [[nodiscard]] bool read_head();
  [[nodiscard]] bool read_body();
  void begin_answer();
  [[nodiscard]] bool send_more();
  [[nodiscard]] bool next_piece();
  void on_due();
  void refuse(const http::Refusal& refusal);
  void answered();
  void end();
  void finish();
  // True if the socket took everything; otherwise on_drained() or the end follows.
  [[nodiscard]] bool write(std::string_view bytes);
  // `content` goes out in the same write.
  void write_head(std::string_view framing, std::string_view content = {});

  Host& host_;
  loop::Stream stream_{*this};
  loop::Timer timer_;
  base::ByteBuffer input_;
  http::HeadReader reader_;
  http::RequestHead head_;  // its views are valid only within read_head()
  http::BodyReader body_;

  State state_ = State::head;
  Reply reply_;
  std::uint64_t sent_ = 0;   // bytes or lines of the answer's body
  bool keep_ = true;         // of the current exchange
  bool bodiless_ = false;    // an answer to HEAD
  bool chunked_ = false;     // the answer's framing
  bool peer_ended_ = false;  // the client sent FIN
};

}  // namespace gracevisor::demo
