// How a worker tells the supervisor to look again. Rings coalesce; they say "look", never what happened.
// Thread: the worker's.
#pragma once

#include <functional>
#include <utility>

namespace gracevisor::proxy {

class Bell {
 public:
  explicit Bell(std::function<void()> ring) : ring_(std::move(ring)) {}
  void ring() const { ring_(); }

 private:
  std::function<void()> ring_;
};

}  // namespace gracevisor::proxy
