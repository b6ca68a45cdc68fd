#include "proxy/probe.h"

#include <algorithm>
#include <cerrno>

#include "base/shortage.h"
#include "proxy/kit.h"

namespace gracevisor::proxy {
namespace {

constexpr base::Duration kFirstPace = base::Millis(10);
constexpr std::uint64_t kMaxBody = std::uint64_t{1} << 20;

using Outcome = routing::ProbeOutcome;

constexpr std::string_view kUserAgent = "User-Agent: gracevisor-health/" GV_VERSION "\r\n";

bool is_named(std::string_view name, std::string_view wanted) noexcept {
  return name.size() == wanted.size() && http::same_ignoring_case(name, wanted);
}

// At most kProbeEvidence bytes of it.
std::string evidence(std::string_view bytes) {
  return std::string(bytes.substr(0, routing::kProbeEvidence));
}

Outcome refusal_of(int code) noexcept {
  return code == ECONNREFUSED || code == ENOENT ? Outcome::refused : Outcome::broken;
}

}  // namespace

base::Duration next_pace(base::Duration last, base::Duration steady) noexcept {
  base::Duration next = last == base::Duration::zero() ? kFirstPace : last * 3 / 2;
  return std::min(next, steady);
}

Probe::Probe(Kit& kit, const routing::ProbeOrder& order)
    : kit_(kit), order_(order), deadline_(*this), next_(kit.loop, [this] { begin(); }) {
  report_.serial = order.serial;
  begin();
}

void Probe::update(const routing::ProbeOrder& order) {
  bool new_pace = order.interval != order_.interval || order.starting != order_.starting;
  order_ = order;
  if (new_pace && state_ == State::waiting) next_.start(pace());
}

void Probe::begin() {
  state_ = State::connecting;
  began_ = kit_.loop.now();
  report_.status = 0;
  report_.code = 0;
  report_.connected = false;
  report_.evidence = {};
  head_.clear();
  bool starting = order_.starting && !passed_;
  kit_.deadlines.start(deadline_, starting ? order_.check->start_timeout : order_.check->timeout);
  if (auto dialled = stream_.dial(kit_.loop, order_.endpoint->address); !dialled) {
    int code = dialled.error().code;
    if (base::is_dial_shortage(code)) {
      put_off(code);
    } else {
      end(refusal_of(code));
    }
    return;
  }
  if (stream_.connected()) on_connected();
}

std::string Probe::request() const {
  const config::Health& check = *order_.check;
  std::string text = "GET " + check.path + " HTTP/1.1\r\nHost: " + order_.host + "\r\nConnection: close\r\n";
  const auto is_agent = [](const auto& header) { return is_named(header.first, "user-agent"); };
  if (std::ranges::none_of(check.headers, is_agent)) text.append(kUserAgent);
  if (check.proto == "https") text += "X-Forwarded-Proto: https\r\n";
  for (const auto& [name, value] : check.headers) text.append(name).append(": ").append(value).append("\r\n");
  return text + "\r\n";
}

void Probe::on_connected() {
  report_.connected = true;
  if (order_.check->kind == config::Health::Kind::tcp) {
    end(Outcome::passed);
    return;
  }
  state_ = State::reading_head;
  if (!stream_.start_reading() || stream_.write(request()) == loop::WriteResult::broken) {
    end(Outcome::broken);
  }
}

void Probe::on_bytes(std::string_view bytes) {
  switch (state_) {
    case State::reading_head: read_head(bytes); return;
    case State::reading_body: read_body(bytes); return;
    case State::waiting:
    case State::connecting: return;
  }
}

void Probe::read_head(std::string_view bytes) {
  head_.append(bytes);
  std::string_view rest = head_;
  http::ResponseHead& head = kit_.response_head;
  for (;;) {
    http::HeadResult result = kit_.heads.read_response(rest, http::HeadLimits{}, http::Method::get, head);
    if (result.state == http::HeadState::refused || head_.size() > kMaxBody) {
      report_.evidence.body = evidence(head_);
      end(Outcome::malformed);
      return;
    }
    if (result.state == http::HeadState::incomplete) return;
    rest.remove_prefix(result.size);
    if (!head.interim()) break;
  }
  report_.status = head.status;
  if (!counts()) note_answer(head);
  body_.start(head.body, kMaxBody);
  state_ = State::reading_body;
  read_body(rest);
}

// Of an answer that does not count, no more is read than what the report shows.
void Probe::read_body(std::string_view bytes) {
  const bool failed = !counts();
  while (!bytes.empty() && body_.state() == http::BodyReader::State::reading) {
    const http::BodyReader::Step step = body_.next(bytes);
    bytes.remove_prefix(step.consumed);
    if (failed) {
      std::string& body = report_.evidence.body;
      body.append(step.payload.substr(0, routing::kProbeEvidence - body.size()));
    }
  }
  if (failed && report_.evidence.body.size() == routing::kProbeEvidence) {
    judge();
    return;
  }
  switch (body_.state()) {
    case http::BodyReader::State::reading: return;
    // More than is needed to know that the app answers: what counts is the status.
    case http::BodyReader::State::too_large:
    case http::BodyReader::State::finished: judge(); return;
    case http::BodyReader::State::malformed: end(Outcome::malformed); return;
  }
}

bool Probe::counts() const {
  const config::Health& check = *order_.check;
  if (!check.path_given) return report_.status < http::kServerError;
  return std::ranges::any_of(check.expect, [this](const auto& range) {
    return report_.status >= range.first && report_.status <= range.last;
  });
}

void Probe::judge() {
  end(counts() ? Outcome::passed : Outcome::wrong_status);
}

void Probe::note_answer(const http::ResponseHead& head) {
  report_.evidence.host = evidence(order_.host);
  for (const http::Field& field : head.fields) {
    if (is_named(field.text, "location")) report_.evidence.location = evidence(field.value);
  }
}

void Probe::on_end() {
  if (state_ != State::reading_body) {
    end(Outcome::broken);
    return;
  }
  body_.end_of_input();
  if (body_.finished()) {
    judge();
  } else {
    end(Outcome::broken);
  }
}

void Probe::on_broken(int code) {
  end(state_ == State::connecting ? refusal_of(code) : Outcome::broken);
}

void Probe::on_deadline() {
  end(Outcome::timed_out);
}

void Probe::end(Outcome outcome) {
  state_ = State::waiting;
  deadline_.cancel();
  stream_.close();
  std::string().swap(head_);
  ++report_.tries;
  report_.last = outcome;
  report_.took = kit_.loop.now() - began_;
  if (outcome == Outcome::passed) {
    passed_ = true;
    ++report_.passes_in_a_row;
    report_.failures_in_a_row = 0;
  } else {
    ++report_.failures_in_a_row;
    report_.passes_in_a_row = 0;
  }
  report();
}

// We could not even ask: neither a pass nor a failure of the instance. Its state stays as it is.
void Probe::put_off(int code) {
  state_ = State::waiting;
  deadline_.cancel();
  ++report_.tries;
  report_.last = Outcome::unable;
  report_.code = code;
  kit_.notices.shortage(&routing::Shortages::probe, code);
  report();
}

void Probe::report() {
  order_.box->put(std::make_unique<routing::ProbeReport>(report_));
  kit_.bell.ring();
  next_.start(pace());
}

base::Duration Probe::pace() noexcept {
  if (!order_.starting || passed_) return order_.interval;
  last_pace_ = next_pace(last_pace_, order_.interval);
  return last_pace_;
}

}  // namespace gracevisor::proxy
