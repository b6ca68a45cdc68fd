// What an exchange remembers for its line in an access log. If no log takes the line, begin() leaves the note
// empty, and no other call changes it. The memory of its text is recycled with the exchange. The note pins
// the table under which the request came, and takes the names and the line's destination from that table. An
// exchange that becomes a tunnel hands its note over.
// Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/head.h"
#include "proxy/body_relay.h"
#include "proxy/over.h"
#include "proxy/table_holder.h"

namespace gracevisor::proxy {

struct Kit;
class ClientStream;
struct AccessRecord;
struct LocalApp;

class AccessNote {
 public:
  // A head is complete; `app` (null: none) is what it matched in the current table.
  void begin(Kit& kit, const ClientStream& client, const http::RequestHead& head, const LocalApp* app,
             std::string_view request_id);
  // A connection without requests: its line has neither method nor target.
  void begin(Kit& kit, const ClientStream& client, const LocalApp* app);
  // Some of the request's content was read.
  void body(const BodyRelay& body) noexcept;
  // No instance can take the request now.
  void held() noexcept;
  // The request goes to an instance, on a connection from the pool or on one that is being dialled.
  void leased(const routing::Endpoint& endpoint, bool reused) noexcept;
  void connected() noexcept;
  void replayed() noexcept { replays_ += logged() ? 1U : 0U; }
  // The instance's final head is about to be sent to the client.
  void head(int status) noexcept;
  // An answer of our own.
  void answered(int status, http::Reason reason) noexcept;
  // A head of this many bytes was sent: an interim one, or the final one, or that of our own answer.
  void sent_head(std::size_t bytes) noexcept { head_bytes_out_ += logged() ? bytes : 0; }
  // The connection became a tunnel.
  void upgraded() noexcept { upgraded_ = logged(); }
  // Bytes from the client that went through the tunnel.
  void tunnelled(std::size_t from_client) noexcept { bytes_in_ += logged() ? from_client : 0; }
  // The note, for the exchange's successor; nothing stays here.
  [[nodiscard]] AccessNote hand_over() noexcept;
  // How the exchange ends, where Over says too little. `end` is a constant.
  void ends_as(std::string_view end) noexcept {
    if (logged()) end_ = end;
  }
  // Why the exchange is cut.
  void because(http::Reason reason) noexcept {
    if (logged()) error_ = reason;
  }

  // The client left before it had a whole response.
  void client_left() noexcept;

  // Writes the line. `action` names the phase in which it ended, as Exchange::action() does.
  void end(Over how, std::string_view action);
  // Writes the line because the worker ends, unless the line is already written or the note handed over.
  void abandon(std::string_view action) noexcept;

  // Writes the line of a refused head (`head` is as much of it as has come), or of a connection that was
  // turned away.
  static void refused(Kit& kit, const ClientStream& client, int status, http::Reason reason,
                      std::string_view head, std::string_view request_id, std::size_t bytes_out);

 private:
  // A part of text_.
  struct Slice {
    std::uint16_t at = 0;
    std::uint16_t size = 0;
  };
  [[nodiscard]] bool logged() const noexcept { return sink_ != nullptr; }
  [[nodiscard]] Slice keep(std::string_view text);
  [[nodiscard]] std::string_view text(Slice slice) const noexcept {
    return std::string_view(text_).substr(slice.at, slice.size);
  }
  void write(std::string_view end, std::string_view action);
  void reset() noexcept;

  const routing::AccessSink* sink_ = nullptr;  // null: nothing is logged; in the pinned table, like the names
  Kit* kit_ = nullptr;
  const ClientStream* client_ = nullptr;
  TableHolder::Pin pin_;
  std::string_view listener_;
  std::string_view app_;

  std::string text_;
  Slice method_, target_, host_, referer_, user_agent_, request_id_;
  int minor_ = 1;

  std::chrono::system_clock::time_point time_;
  base::TimePoint began_{};
  std::optional<base::TimePoint> request_ended_;
  std::optional<base::TimePoint> held_since_;  // the first wait
  std::optional<base::TimePoint> held_until_;  // the end of the last wait
  base::TimePoint dialled_{};
  base::TimePoint sendable_{};  // when a connection was available
  std::optional<base::Duration> connect_;
  std::optional<base::Duration> head_;

  base::GenerationId generation_;
  base::Slot slot_;
  int status_ = 0;
  http::Reason error_ = http::Reason::none;
  std::string_view end_;              // a constant
  std::uint64_t written_before_ = 0;  // to the client's connection
  std::uint64_t head_bytes_out_ = 0;
  std::uint64_t bytes_in_ = 0;
  unsigned replays_ = 0;
  bool has_body_ = false;
  bool reused_ = false;
  bool upgraded_ = false;
};

}  // namespace gracevisor::proxy
