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
  std::unique_ptr<Upstream> upstream(new Upstream(*this, user));
  auto dialled = upstream->stream_.dial(loop_, address);
  // Another thread may take the freed descriptor: retry as long as there is anything to give up.
  while (!dialled && (dialled.error().code == EMFILE || dialled.error().code == ENFILE) && give_up_oldest()) {
    dialled = upstream->stream_.dial(loop_, address);
  }
  if (!dialled) return std::unexpected(dialled.error());
  ++open_;
  return upstream;
}

bool Upstreams::give_up_oldest() {
  Upstream* oldest = idle_.oldest();
  if (oldest == nullptr) return false;
  oldest->pool_->evict(*oldest);
  return true;
}

}  // namespace gracevisor::proxy
