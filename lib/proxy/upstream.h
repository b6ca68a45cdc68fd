// One connection to an instance. Its owner is the exchange or tunnel that uses it or, between exchanges, the
// pool of its endpoint. While it is idle, its reads stay armed: a byte (no response can be due), an end or an
// error closes it, so that no request is ever sent on a connection that is known to be dead. Thread: the
// worker's.
#pragma once

#include <memory>
#include <optional>

#include "loop/deadlines.h"
#include "loop/stream.h"
#include "proxy/idle_rank.h"

namespace gracevisor::proxy {

class UpstreamPool;
class Upstreams;

class Upstream final : public loop::Retirable, private loop::StreamObserver, private loop::DeadlineObserver {
 public:
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;
  ~Upstream() override;

  [[nodiscard]] loop::Stream& stream() noexcept { return stream_; }
  // From the instance's Keep-Alive field: the instance closes the connection after this many idle seconds.
  void note_keep_alive(std::optional<unsigned> seconds) noexcept { keep_alive_ = seconds; }
  // It has served an exchange before: the instance may close it at the very moment of our next write.
  [[nodiscard]] bool reused() const noexcept { return reused_; }

 private:
  friend class UpstreamPool;
  friend class Upstreams;  // which dials
  Upstream(Upstreams& all, loop::StreamObserver& user) noexcept;
  void close() noexcept;

  // Only while idle: everything that can happen ends the connection.
  void on_bytes(std::string_view bytes) override;
  void on_end() override;
  void on_broken(int code) override;
  void on_drained() override {}
  void on_deadline() override;

  Upstreams* all_;  // counts this connection while its stream is open
  loop::Stream stream_;
  UpstreamPool* pool_ = nullptr;  // while idle
  loop::Deadline idle_;
  IdleRank<Upstream> in_pool_;
  IdleRank<Upstream> in_all_;
  bool reused_ = false;
  unsigned served_ = 0;  // exchanges
  std::optional<unsigned> keep_alive_;
};

}  // namespace gracevisor::proxy
