// What the connections of one worker share, and the adoption of tables. Owns every object of the data plane
// on this worker. Thread: the worker's.
#pragma once

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "http/forward.h"
#include "http/head.h"
#include "proxy/accept_group.h"
#include "proxy/access_outbox.h"
#include "proxy/crowd.h"
#include "proxy/downstream.h"
#include "proxy/prober.h"
#include "proxy/request_ids.h"

namespace gracevisor::proxy {

class Core {
 public:
  struct Place {
    base::WorkerIndex index;
    std::size_t workers = 1;
    AcceptGroup* accept_group = nullptr;  // outlives the core; null: the worker accepts alone
  };
  Core(loop::Loop& loop, Place place, routing::WorkerPort& port, std::function<void()> ring_supervisor,
       std::function<void()> ring_writer);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  // Closes everything; afterwards no lease is left.
  ~Core();

  // Takes in the connections passed to it, adopts the newest table if there is one, and catches up with what
  // could not be done before.
  void look();

  // Opens a connection that stays with this worker and is already counted for it. `since`: the table under
  // which it was accepted.
  void accept(Entrance& entrance, loop::Accepted connection, base::Epoch since);
  void forget(Downstream& client);
  [[nodiscard]] std::unique_ptr<Exchange> new_exchange();
  // An exchange may be needed soon: prefetches one into the CPU's cache meanwhile.
  void expect_exchange() const noexcept;
  void recycle(std::unique_ptr<Exchange> exchange);

  [[nodiscard]] loop::Loop& loop() noexcept { return loop_; }
  [[nodiscard]] AcceptMember& accept_member() noexcept { return accept_member_; }
  [[nodiscard]] loop::Deadlines& deadlines() noexcept { return deadlines_; }
  [[nodiscard]] Upstreams& upstreams() noexcept { return upstreams_; }
  [[nodiscard]] const Bell& bell() const noexcept { return bell_; }
  [[nodiscard]] TableHolder& tables() noexcept { return tables_; }
  [[nodiscard]] Switchboard& switchboard() noexcept { return switchboard_; }
  [[nodiscard]] HoldQueue& hold_queue() noexcept { return hold_queue_; }
  [[nodiscard]] RequestIds& request_ids() noexcept { return request_ids_; }
  [[nodiscard]] Crowd& crowd() noexcept { return crowd_; }
  [[nodiscard]] std::size_t workers() const noexcept { return place_.workers; }
  [[nodiscard]] base::WorkerIndex index() const noexcept { return place_.index; }
  // Most of the connections that may be open are.
  [[nodiscard]] bool crowded() const noexcept { return crowd_.scarce(); }
  // As the current table says.
  [[nodiscard]] std::size_t max_clients() const noexcept { return room_.clients; }
  // A limit was reached: counted for the supervisor, which is woken for it at most once a second. `code` is
  // errno's value, or 0 where the limit is our own.
  void note_shortage(handoff::Tally routing::Shortages::* what, int code) noexcept;
  void count_tunnel(int change) noexcept { tunnels_ += change; }
  // A response begins, or ceases, to wait for its client to take it, whatever becomes of its lease.
  void begin_unsent() noexcept { port_.unsent.add(); }
  void end_unsent() noexcept {
    port_.unsent.subtract();
    if (closing()) bell_.ring();
  }
  // For the daemon's log. `at` (null: none) is the instance to blame. May allocate, as a request has failed.
  void tell_failure(LocalApp& app, const http::Refusal& why, const routing::Endpoint* at);
  // For spreading things in time; not secret.
  [[nodiscard]] unsigned random() noexcept { return static_cast<unsigned>(random_()); }
  [[nodiscard]] loop::Pipes& pipes() noexcept { return pipes_; }
  [[nodiscard]] AccessOutbox& access() noexcept { return access_; }
  // The daemon shuts down: answers carry Connection: close.
  [[nodiscard]] bool closing() const noexcept {
    return tables_.current() != nullptr && tables_.current()->closing;
  }

  // Scratch: valid until the callback that uses it returns.
  [[nodiscard]] http::HeadReader& heads() noexcept { return heads_; }
  [[nodiscard]] http::RequestHead& request_head() noexcept { return request_head_; }
  [[nodiscard]] http::ResponseHead& response_head() noexcept { return response_head_; }
  [[nodiscard]] std::string& scratch() noexcept { return scratch_; }
  [[nodiscard]] std::string_view date() { return date_.text(std::chrono::system_clock::now()); }

 private:
  void adopt(routing::RouteTableRef table);
  // How many recycled exchanges to keep at most: all connected clients may begin one at the same time.
  [[nodiscard]] std::size_t most_resting() const noexcept;
  // Looks at what is under way at endpoints that are no longer targets, or that are closing.
  void look_at_leaving_sites();
  // The number of clients has changed.
  void follow_crowd();
  // Ends connections whose listeners are in no table any more.
  void end_clients_of_gone_listeners();

  loop::Loop& loop_;
  const Place place_;
  routing::Room room_;
  base::TimePoint shortage_told_{};
  routing::WorkerPort& port_;
  Bell bell_;
  loop::Deadlines deadlines_;
  http::HeadReader heads_;
  http::RequestHead request_head_;
  http::ResponseHead response_head_;
  std::string scratch_;
  RequestIds request_ids_;
  loop::Pipes pipes_;
  Crowd crowd_;
  std::minstd_rand random_;
  int tunnels_ = 0;
  base::TimePoint failure_told_{};  // when the supervisor was last rung for a failure
  http::DateCache date_;
  TableHolder tables_;
  Upstreams upstreams_;
  Switchboard switchboard_;
  HoldQueue hold_queue_;
  AccessOutbox access_;
  Prober prober_;
  AcceptMember accept_member_;
  Entrances entrances_;
  std::vector<std::unique_ptr<Exchange>> resting_;  // recycled
  std::vector<std::unique_ptr<Downstream>> clients_;
};

}  // namespace gracevisor::proxy
