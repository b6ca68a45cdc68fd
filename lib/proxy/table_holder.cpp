#include "proxy/table_holder.h"

namespace gracevisor::proxy {

void TableHolder::announce() noexcept {
  kept_.remove_if([this](const Kept& kept) { return kept.pins == 0 && &kept != &kept_.back(); });
  port_.adopted.reach(kept_.back().table->epoch);
  port_.oldest_pinned.reach(kept_.front().table->epoch);
  bell_.ring();
}

void TableHolder::unpin(Tables::iterator kept) noexcept {
  if (--kept->pins > 0 || std::next(kept) == kept_.end()) return;
  kept_.erase(kept);
  port_.oldest_pinned.reach(kept_.front().table->epoch);
  bell_.ring();
}

}  // namespace gracevisor::proxy
