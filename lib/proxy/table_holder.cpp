#include "proxy/table_holder.h"

namespace gracevisor::proxy {

void TableHolder::announce() noexcept {
  (void)drop_unused();
  port_.adopted.reach(kept_.back().table->epoch);
  port_.oldest_pinned.reach(kept_.front().table->epoch);
  bell_.ring();
}

void TableHolder::unpin(Kept& kept) noexcept {
  if (--kept.pins > 0 || &kept != &kept_.front() || !drop_unused()) return;
  port_.oldest_pinned.reach(kept_.front().table->epoch);
  bell_.ring();
}

bool TableHolder::drop_unused() noexcept {
  bool dropped = false;
  while (kept_.size() > 1 && kept_.front().pins == 0) {
    kept_.pop_front();
    dropped = true;
  }
  return dropped;
}

}  // namespace gracevisor::proxy
