#include "proxy/upstream.h"

#include "proxy/upstream_pool.h"

namespace gracevisor::proxy {

Upstream::Upstream(Upstreams& all, loop::StreamObserver& user) noexcept
    : all_(&all), stream_(user), idle_(*this), in_pool_(this), in_all_(this) {}

Upstream::~Upstream() {
  close();
}

void Upstream::close() noexcept {
  if (!stream_.open()) return;
  stream_.close();
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
