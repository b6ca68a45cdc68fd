#include "proxy/access_note.h"

#include <algorithm>
#include <utility>

#include "proxy/client_stream.h"
#include "proxy/kit.h"
#include "proxy/reply.h"

namespace gracevisor::proxy {
namespace {

constexpr int kClientLeft = 499;  // as in nginx

// Finer than the loop's clock, which counts milliseconds and stands still during a turn.
base::TimePoint now() noexcept {
  return base::SteadyClock().now();
}

std::optional<std::chrono::microseconds> micros(const std::optional<base::Duration>& duration) noexcept {
  if (!duration) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::microseconds>(*duration);
}

std::string_view address_of(const ClientStream& client) noexcept {
  return client.facts().address.empty() ? "unix" : std::string_view(client.facts().address);
}

std::uint64_t written(const ClientStream& client) noexcept {
  return client.taken() + client.queued();
}

std::string_view end_of(Over how) noexcept {
  switch (how) {
    case Over::complete: return "done";
    case Over::cut: return "cut";
    case Over::gone: return "client_gone";
  }
  return {};
}

// The first line of a head, to be shown as it is, not parsed.
std::string_view first_line(std::string_view head) noexcept {
  head.remove_prefix(std::min(head.find_first_not_of("\r\n"), head.size()));
  return head.substr(0, std::min(head.find_first_of("\r\n"), kLongestAccessText));
}

}  // namespace

void AccessNote::begin(Kit& kit, const ClientStream& client, const LocalApp* app) {
  const routing::ListenerRoutes* listener = client.listener();
  if (listener == nullptr) return;
  sink_ = app != nullptr && app->routes->access ? app->routes->access.get() : listener->access.get();
  if (!logged()) return;
  kit_ = &kit;
  client_ = &client;
  pin_ = kit.tables.pin();
  listener_ = listener->config->name;
  if (app != nullptr) app_ = app->routes->name;
  time_ = std::chrono::system_clock::now();
  began_ = now();
  written_before_ = written(client);
}

void AccessNote::begin(Kit& kit, const ClientStream& client, const http::RequestHead& head,
                       const LocalApp* app, std::string_view request_id) {
  begin(kit, client, app);
  if (!logged()) return;
  has_body_ = head.body.kind != http::Framing::Kind::none;
  if (!has_body_) request_ended_ = began_;

  method_ = keep(head.method_text);
  target_ = keep(head.target);
  host_ = keep(head.host);
  minor_ = head.minor;
  request_id_ = keep(request_id);
  for (const http::Field& field : head.fields) {
    if (field.name != http::FieldName::other) continue;  // neither of these
    if (http::equals_ignoring_case(field.text, "user-agent")) {
      user_agent_ = keep(field.value);
    } else if (http::equals_ignoring_case(field.text, "referer")) {
      referer_ = keep(field.value);
    }
  }
}

AccessNote::Slice AccessNote::keep(std::string_view text) {
  // A repeated field is kept again, but not without limit.
  constexpr std::size_t kMost = 8 * kLongestAccessText;
  text = text.substr(0, std::min(kLongestAccessText, kMost - text_.size()));
  Slice slice{static_cast<std::uint16_t>(text_.size()), static_cast<std::uint16_t>(text.size())};
  text_.append(text);
  return slice;
}

void AccessNote::body(const BodyRelay& body) noexcept {
  if (!logged()) return;
  bytes_in_ = body.content();
  if (body.finished()) request_ended_ = now();
}

void AccessNote::held() noexcept {
  if (!logged()) return;
  if (!held_since_) held_since_ = now();
  held_until_.reset();
}

void AccessNote::leased(const routing::Endpoint& endpoint, bool reused) noexcept {
  if (!logged()) return;
  dialled_ = sendable_ = now();
  if (held_since_ && !held_until_) held_until_ = dialled_;
  generation_ = endpoint.identity.generation;
  slot_ = endpoint.identity.slot;
  reused_ = reused;
  connect_.reset();
}

void AccessNote::connected() noexcept {
  if (!logged()) return;
  sendable_ = now();
  connect_ = sendable_ - dialled_;
}

void AccessNote::head(int status) noexcept {
  if (!logged()) return;
  if (client_->deaf()) {
    client_left();
    return;
  }
  status_ = status;
  // A response before the request's end tells nothing about how long the instance took.
  if (request_ended_) head_ = now() - std::max(*request_ended_, sendable_);
}

void AccessNote::answered(int status, http::Reason reason) noexcept {
  if (!logged()) return;
  if (client_->deaf()) {
    client_left();
    return;
  }
  status_ = status;
  error_ = reason;
}

AccessNote AccessNote::hand_over() noexcept {
  AccessNote whole = std::move(*this);
  *this = AccessNote();
  return whole;
}

void AccessNote::client_left() noexcept {
  if (!logged()) return;
  if (status_ == 0) status_ = kClientLeft;
  const bool tunnel = upgraded_ || method_.size == 0;  // which ends when its sides like
  if (error_ == http::Reason::none && !tunnel) error_ = http::Reason::client_closed;
  end_ = end_of(Over::gone);
}

void AccessNote::end(Over how, std::string_view action) {
  if (!logged()) return;
  if (how == Over::gone) client_left();
  write(how == Over::cut && !end_.empty() ? end_ : end_of(how), action);
}

void AccessNote::abandon(std::string_view action) noexcept {
  if (logged()) write("shutdown", action);
}

void AccessNote::write(std::string_view end, std::string_view action) {
  base::TimePoint ended = now();
  AccessRecord record;
  record.time = time_;
  record.client = address_of(*client_);
  record.listener = listener_;
  record.app = app_;
  record.generation = generation_;
  record.slot = slot_;
  record.method = text(method_);
  record.target = text(target_);
  record.host = text(host_);
  record.minor = minor_;
  record.status = status_;
  record.bytes_in = bytes_in_;
  record.bytes_out = client_->taken() - written_before_;
  record.head_bytes_out = head_bytes_out_;
  record.referer = text(referer_);
  record.user_agent = text(user_agent_);
  record.request_id = text(request_id_);
  record.error = error_;
  record.end = end;
  if (end != end_of(Over::complete)) record.phase = action;
  if (has_body_) record.body = micros(request_ended_.value_or(ended) - began_);
  if (held_since_) record.held = micros(held_until_.value_or(ended) - *held_since_);
  record.connect = micros(connect_);
  record.head = micros(head_);
  record.total = *micros(ended - began_);
  record.replays = replays_;
  record.reused = reused_;
  record.upgraded = upgraded_;
  kit_->access.add(*sink_, record);
  reset();
}

// Back to a new note, except that the memory of its text is kept.
void AccessNote::reset() noexcept {
  std::string text = std::move(text_);
  text.clear();
  *this = AccessNote();
  text_ = std::move(text);
}

void AccessNote::refused(Kit& kit, const ClientStream& client, int status, http::Reason reason,
                         std::string_view head, std::string_view request_id, std::size_t bytes_out) {
  const routing::ListenerRoutes* listener = client.listener();
  if (listener == nullptr || !listener->access) return;
  AccessRecord record;
  record.time = std::chrono::system_clock::now();
  record.client = address_of(client);
  record.listener = listener->config->name;
  record.request_line = first_line(head);
  record.status = status;
  record.bytes_out = bytes_out;
  record.request_id = request_id;
  record.error = reason;
  record.end = "refused";
  const bool preface = reason == http::Reason::bad_proxy_header;
  record.phase = preface ? "reading the PROXY header" : "reading the request's head";
  kit.access.add(*listener->access, record);
}

}  // namespace gracevisor::proxy
