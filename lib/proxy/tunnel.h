// Two connections joined byte for byte: what a 101 turned an exchange into, or a connection in TCP mode.
//
//   client  open -> ended      each direction ends by itself: its FIN is passed on, the other one goes on
//   app     open -> ended
//   close_  none -> due        the endpoint is no target any more, and the app's `upgraded` policy waits
//           -> closing         Close frames go out between two frames; nothing but their answers counts
//
// Ends when both directions have ended and what they carried is written, when either connection breaks, when
// no byte moves for tunnel_timeout (half_close_timeout once one side has ended), or by the policy. Owners: a
// Downstream owns its Tunnel, which owns Lease and Upstream. Every call that can end it comes last in its
// function. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/access_note.h"
#include "proxy/ending.h"
#include "proxy/switchboard.h"
#include "proxy/websocket.h"

namespace gracevisor::proxy {

class Core;
class Downstream;

class Tunnel final : public loop::Retirable, private loop::StreamObserver, private loop::DeadlineObserver {
 public:
  enum class Kind : std::uint8_t { raw, upgraded, websocket };
  // What the exchange had. The app counts it as an exchange until the tunnel ends.
  struct Parts {
    Kind kind = Kind::raw;
    TableHolder::Pin pin;
    const config::ProxyOptions* options = nullptr;
    LocalApp* app = nullptr;
    Lease lease;
    std::unique_ptr<Upstream> upstream;
    AccessNote note;
  };
  Tunnel(Core& core, Downstream& client, Parts parts);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;
  ~Tunnel() override;

  // Starts with the bytes that have come already. May end it.
  void start(std::string_view from_client, std::string_view from_app);
  void take(std::string_view bytes);  // from the client
  // False while the client should not be read because the app does not take what it sends.
  [[nodiscard]] bool wants_bytes() const noexcept { return !throttled_; }

  void client_ended();    // FIN
  void client_gone();     // the connection is broken
  void client_drained();  // its write queue is empty
  void deadline_passed();

  // A table was adopted: is the endpoint still a target, or is it closing? Is the listener leaving?
  void look_at_site();
  // No time is left: sends the goodbye it can still send, and ends.
  void end_now();
  // Lets go of everything, without telling the client.
  void abandon() noexcept;

 private:
  enum class Close : std::uint8_t { none, due, closing };

  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override;
  void on_deadline() override;

  void to_client(std::string_view bytes);
  void to_app(std::string_view bytes);
  void begin_close();
  void tell_client();
  void tell_app();
  void end_if_done();
  void touch();
  [[nodiscard]] std::uint64_t progress() const noexcept;
  [[nodiscard]] Ending early_ending() const noexcept;
  // `why`: the reason it is cut, if it is.
  void end(Ending ending, http::Reason why = http::Reason::none);

  Core& core_;
  Downstream* client_;
  const Kind kind_;
  TableHolder::Pin pin_;
  const config::ProxyOptions& options_;
  LocalApp* app_;
  Lease lease_;  // ends after the connection: declared before it
  std::unique_ptr<Upstream> upstream_;
  loop::Deadline close_deadline_;
  WebSocketFrames client_frames_;  // from the client
  WebSocketFrames app_frames_;     // from the app
  AccessNote note_;
  std::uint64_t to_app_ = 0;  // bytes given to upstream_
  std::uint64_t progress_mark_ = 0;
  Close close_ = Close::none;
  bool client_told_ = false;  // our Close frame was sent there
  bool app_told_ = false;
  bool client_ended_ = false;
  bool app_ended_ = false;
  bool app_gone_ = false;  // ended, and takes nothing any more
  bool throttled_ = false;
  bool ended_ = false;
};

}  // namespace gracevisor::proxy
