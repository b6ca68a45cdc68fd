#include "proxy/request_memo.h"

#include "http/forward.h"

namespace gracevisor::proxy {
namespace {

constexpr std::size_t kRecycledCapacity = 16384;

}  // namespace

void recycle(std::string& text) noexcept {
  if (text.capacity() > kRecycledCapacity) std::string().swap(text);
  text.clear();
}

void RequestMemo::take(const http::RequestHead& head, base::TimePoint now) {
  method = head.method;
  idempotent = http::idempotent(head.method);
  expects_continue = head.expects_continue;
  takes_trailers = head.takes_trailers;
  for (const http::Field& field : head.fields) {
    if (field.name == http::FieldName::idempotency_key) idempotent = true;
    if (field.name == http::FieldName::accept) accept = http::answer_type(field.value);
  }
  host.assign(head.host);
  path.assign(head.path);
  request_id.assign(head.request_id);
  upgrade.assign(head.upgrade);
  began = now;
}

void RequestMemo::take_raw(base::TimePoint now) {
  idempotent = false;
  began = now;
}

void RequestMemo::clear() noexcept {
  method = http::Method::get;
  idempotent = true;
  expects_continue = takes_trailers = false;
  accept = {};
  recycle(host);
  recycle(path);
  recycle(request_id);
  recycle(upgrade);
  affinity = 0;
  began = {};
}

}  // namespace gracevisor::proxy
