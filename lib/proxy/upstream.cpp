#include "proxy/upstream.h"

#include "proxy/upstream_pool.h"

namespace gracevisor::proxy {

Upstream::Upstream(Upstreams& all, std::unique_ptr<loop::Stream> stream) noexcept
    : all_(&all), stream_(std::move(stream)), idle_(*this), in_pool_(this), in_all_(this) {
  ++all_->open_;
}

Upstream::~Upstream() {
  close();
}

void Upstream::close() noexcept {
  if (!stream_) return;
  stream_.reset();
  --all_->open_;
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
