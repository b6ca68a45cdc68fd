// The health checks of one order: open a new connection, ask, read the whole answer, report, wait, repeat.
//
//   waiting --(pace)--> connecting --> reading_head --> reading_body --> waiting
//
// Any failure leads back to waiting, with a report; so does a connection, where the check is "tcp". Reports
// are cumulative, so overwriting one loses nothing. Owner: Prober, which destroys the probe only outside its
// callbacks. Thread: the worker's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/body.h"
#include "loop/deadlines.h"
#include "loop/stream.h"
#include "loop/timer.h"
#include "routing/probe.h"

namespace gracevisor::proxy {

struct Kit;

// How long to wait before the next probe while none of the order's probes has passed yet: first 10 ms, then
// half as much again each time, up to `steady`.
[[nodiscard]] base::Duration next_pace(base::Duration last, base::Duration steady) noexcept;

class Probe final : private loop::StreamObserver, private loop::DeadlineObserver {
 public:
  // The first probe starts at once.
  Probe(Kit& kit, const routing::ProbeOrder& order);
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() = default;

  [[nodiscard]] bool runs(const routing::ProbeOrder& order) const noexcept {
    return order.serial == order_.serial && order.endpoint == order_.endpoint;
  }
  // The same order, as a newer table has it.
  void update(const routing::ProbeOrder& order);

 private:
  enum class State : std::uint8_t { waiting, connecting, reading_head, reading_body };

  void on_connected() override;
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override {}
  void on_deadline() override;

  void begin();
  [[nodiscard]] std::string request() const;
  void read_head(std::string_view bytes);
  void read_body(std::string_view bytes);
  [[nodiscard]] bool counts() const;
  void judge();
  void note_answer(const http::ResponseHead& head);
  void end(routing::ProbeOutcome outcome);
  void put_off(int code);
  void report();
  [[nodiscard]] base::Duration pace() noexcept;

  Kit& kit_;
  routing::ProbeOrder order_;
  routing::ProbeReport report_;
  State state_ = State::waiting;
  bool passed_ = false;         // at least once under this order
  base::Duration last_pace_{};  // while growing
  base::TimePoint began_{};
  loop::Stream stream_{*this};
  loop::Deadline deadline_;
  loop::Timer next_;
  std::string head_;  // as much of the answer's head as has come
  http::BodyReader body_;
};

}  // namespace gracevisor::proxy
