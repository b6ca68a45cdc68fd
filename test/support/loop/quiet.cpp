#include "support/loop/quiet.h"

#include <poll.h>
#include <uv.h>

namespace gracevisor::test {

bool has_work(loop::Loop& loop) {
  pollfd backend{uv_backend_fd(loop.raw()), POLLIN, 0};
  if (::poll(&backend, 1, 0) > 0) return true;
  // A loop without handles never waits, and has nothing to do either.
  return uv_loop_alive(loop.raw()) != 0 && uv_backend_timeout(loop.raw()) == 0;
}

}  // namespace gracevisor::test
