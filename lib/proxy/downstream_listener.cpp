// What a connection gets from its listener: a seat, if there is one for its client, until the listener
// leaves.
#include "proxy/core.h"
#include "proxy/downstream.h"

namespace gracevisor::proxy {
namespace {

constexpr int kMostMadeRoom = 16;

}  // namespace

bool Downstream::take_seat() {
  const std::optional<unsigned>& limit = config().max_connections_per_client;
  const bool exempt = limit ? *limit == 0 : trusted_ || is_loopback(seat_.key());
  const std::size_t workers = core().workers();
  const auto share = static_cast<std::uint32_t>(limit ? (*limit + workers - 1) / workers : 0);
  Crowd& crowd = core().crowd();
  crowd.enter(*this, exempt, share);
  for (int made = 0; crowd.too_many(seat_); ++made) {
    crowd.pass_over_askers(seat_);
    Downstream* oldest = Crowd::oldest_of(seat_);
    if (oldest == nullptr && made == 0) {
      crowd.leave(seat_);
      return false;
    }
    // A client that had far too many when places became scarce does not lose all of them at once.
    if (oldest == nullptr || made == kMostMadeRoom) break;
    oldest->make_room();
  }
  return true;
}

bool Downstream::leaving() const noexcept {
  return entrance_.leaving() || core().kit().tables.closing() || move_ == Move::refused ||
         core().hand_over().broken();
}

void Downstream::look_at_listener() {
  if (routes() != nullptr) return;
  switch (state_) {
    case State::preface: close(); return;
    case State::serving: http1_.leave_listener(); return;
    case State::lingering:
    case State::closed: return;
  }
}

}  // namespace gracevisor::proxy
