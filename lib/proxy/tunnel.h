// Two connections joined byte for byte: what a 101 turned an exchange into, or a connection in TCP mode.
//
//   client  open -> ended      each direction ends by itself: its FIN is passed on, the other one goes on
//   app     open -> ended
//   close_  none -> due        the endpoint is no longer a target, or the listener leaves; under the app's
//                              `upgraded` policy `close` the tunnel waits for its moment
//           -> closing         Close frames go out between two frames; only the answers to them count
//
// Ends when both directions have ended and what they carried is written, when either connection breaks, when
// no byte moves for tunnel_timeout (half_close_timeout once one side has ended), or by the policy. Owners:
// the implementation of ClientStream owns the Tunnel, which owns its Lease and Upstream. A call that can end
// it comes last in its function or is followed by a check of `ended_`: the loop frees the object only later.
// Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "proxy/access_note.h"
#include "proxy/client_stream.h"
#include "proxy/switchboard.h"
#include "proxy/websocket.h"

namespace gracevisor::proxy {

struct Kit;
class Tunnel final : public StreamUser, private loop::StreamObserver, private loop::DeadlineObserver {
 public:
  enum class Kind : std::uint8_t { raw, upgraded, websocket };
  Tunnel(Kit& kit, ClientStream& client, TunnelParts parts);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;
  ~Tunnel() override;

  // Starts with the bytes that have already come. May end the tunnel.
  void start(std::string_view from_client, std::string_view from_app);

  // StreamUser
  [[nodiscard]] std::size_t take(std::string_view bytes) override;  // all are the tunnel's
  [[nodiscard]] bool wants_bytes() const noexcept override { return !throttled_; }
  void client_ended() override;
  void client_gone() override;
  void client_drained() override;
  void client_readable() override {}  // the client is read, never spliced
  void deadline_passed() override;
  void look_at_site() override;
  // Sends the goodbye that can still be sent, and ends.
  void leave_listener() override;
  void abandon() noexcept override;

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
  [[nodiscard]] Over early_end() const noexcept;
  // `why`: the reason it is cut, if it is.
  void end(Over how, http::Reason why = http::Reason::none);

  Kit& kit_;
  ClientStream* client_;
  const Kind kind_;
  TableHolder::Pin pin_;
  const config::ProxyOptions& options_;
  LocalApp* app_;
  Lease lease_;  // ends after the connection, so it is declared before it
  std::unique_ptr<Upstream> upstream_;
  loop::Deadline close_deadline_;
  WebSocketFrames client_frames_;  // from the client
  WebSocketFrames app_frames_;     // from the app
  AccessNote note_;
  std::uint64_t to_app_ = 0;  // bytes given to upstream_
  std::uint64_t progress_mark_ = 0;
  Close close_ = Close::none;
  bool client_told_ = false;  // our Close frame was sent to the client
  bool app_told_ = false;
  bool client_ended_ = false;
  bool app_ended_ = false;
  bool app_gone_ = false;  // ended, and takes nothing more
  bool throttled_ = false;
  bool ended_ = false;
};

// What the tunnel takes over from the exchange. The app counts it as an exchange until the tunnel ends.
struct TunnelParts {
  Tunnel::Kind kind = Tunnel::Kind::raw;
  TableHolder::Pin pin;
  const config::ProxyOptions* options = nullptr;
  LocalApp* app = nullptr;
  Lease lease;
  std::unique_ptr<Upstream> upstream;
  AccessNote note;
};

}  // namespace gracevisor::proxy
