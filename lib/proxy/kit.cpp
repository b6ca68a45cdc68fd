#include "proxy/kit.h"

#include <utility>

namespace gracevisor::proxy {

Kit::Kit(loop::Loop& on, base::WorkerIndex index, routing::WorkerPort& port,
         std::function<void()> ring_supervisor, std::function<void()> ring_writer)
    : loop(on),
      worker(index),
      bell(std::move(ring_supervisor)),
      deadlines(on),
      pipes(routing::Room{}.pipes),
      tables(port, bell),
      notices(on, port, tables, bell),
      upstreams(on, deadlines, routing::Room{}.clients),
      switchboard(on, upstreams, index, tables, bell),
      hold_queue(on, bell),
      access(on, port.access, std::move(ring_writer)),
      random_(static_cast<std::minstd_rand::result_type>(index.value() + 1)) {}

}  // namespace gracevisor::proxy
