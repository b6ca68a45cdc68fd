#include "proxy/upstream.h"

#include "proxy/upstream_pool.h"

namespace gracevisor::proxy {

base::Expected<std::unique_ptr<Upstream>> Upstream::dial(loop::Loop& loop, const base::Address& address,
                                                         loop::StreamObserver& user) {
  auto stream = loop::Stream::dial(loop, address, user);
  if (!stream) return std::unexpected(stream.error());
  std::unique_ptr<Upstream> upstream(new Upstream);
  upstream->stream_ = std::move(*stream);
  return upstream;
}

void Upstream::on_bytes(std::string_view /*bytes*/) {
  pool_->evict(*this);
}
void Upstream::on_end() {
  pool_->evict(*this);
}
void Upstream::on_broken(int /*code*/) {
  pool_->evict(*this);
}
void Upstream::on_deadline() {
  pool_->evict(*this);
}

}  // namespace gracevisor::proxy
