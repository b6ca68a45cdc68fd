// One end of a connection that never blocks: what cannot be sent waits, what came is kept. For tests that run
// both ends and what is between them on one thread; the owner calls pump(). Thread: the test's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/unique_fd.h"
#include "support/proxy_peer.h"

namespace gracevisor::test {

class RawEnd {
 public:
  explicit RawEnd(base::UniqueFd socket);
  // Throws when nothing listens there.
  [[nodiscard]] static RawEnd connect(const base::Address& address);

  // send() and finish_writing() take effect at the next pump(), after what was sent before; what the other
  // side does not take waits.
  void send(std::string_view bytes) { unsent_.append(bytes); }
  void finish_writing() { finishing_ = true; }  // FIN
  // close() and reset() take effect at once; what is waiting to be sent is thrown away.
  void close() { socket_.reset(); }
  void reset();  // RST on TCP; on a Unix socket a close, which resets if something was left unread
  // While paused, pump() reads nothing, like a slow reader.
  void pause(bool paused) { paused_ = paused; }
  // Reads at once, paused or not, at most `most` bytes.
  void read(std::size_t most);
  // Refuses all bytes that come from now on; what this end sends still goes out.
  void refuse_bytes();

  // Bytes that are waiting to be sent.
  [[nodiscard]] std::size_t waiting() const { return unsent_.size(); }

  // Sends and reads what is possible now. True when anything moved.
  bool pump();

  // Everything that came, from the beginning.
  [[nodiscard]] const std::string& received() const { return received_; }
  // What came since the last call.
  std::string take();
  // How the other side ended, as far as it has been read.
  [[nodiscard]] End end() const { return end_; }
  // False once a send has failed: the other side has closed, and said so.
  [[nodiscard]] bool writable() const { return writable_; }
  [[nodiscard]] bool connected() const { return static_cast<bool>(socket_); }

 private:
  bool send_some();
  bool read_some();

  base::UniqueFd socket_;
  std::string unsent_;
  std::string received_;
  std::size_t taken_ = 0;
  End end_ = End::open;
  bool writable_ = true;
  bool reset_told_ = false;
  bool finishing_ = false;
  bool finished_ = false;
  bool paused_ = false;
};

}  // namespace gracevisor::test
