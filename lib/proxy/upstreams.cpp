#include "proxy/upstreams.h"

#include <cassert>
#include <cerrno>

#include "proxy/upstream_pool.h"

namespace gracevisor::proxy {

Upstreams::~Upstreams() {
  assert(open_ == 0);
}

base::Expected<std::unique_ptr<Upstream>> Upstreams::dial(const base::Address& address,
                                                          loop::StreamObserver& user) {
  if (open_ >= most_) (void)give_up_oldest();
  auto stream = loop::Stream::dial(loop_, address, user);
  // Another thread may take what was given up: again, as long as there is anything to give.
  while (!stream && (stream.error().code == EMFILE || stream.error().code == ENFILE) && give_up_oldest()) {
    stream = loop::Stream::dial(loop_, address, user);
  }
  if (!stream) return std::unexpected(stream.error());
  return std::unique_ptr<Upstream>(new Upstream(*this, std::move(*stream)));
}

bool Upstreams::give_up_oldest() {
  Upstream* oldest = idle_.oldest();
  if (oldest == nullptr) return false;
  oldest->pool_->evict(*oldest);
  return true;
}

}  // namespace gracevisor::proxy
