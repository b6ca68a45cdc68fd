// How many connections the control socket allows at a time, and for whom: some places are kept for admins, so
// that no member of the operator group can lock them out, and followers, which may stay as long as they like,
// get at most half. Thread: any; values.
#pragma once

#include <algorithm>
#include <cstddef>

#include "control/access.h"

namespace gracevisor::control {

class Admission {
 public:
  static constexpr std::size_t kMostConnections = 64;
  static constexpr std::size_t kMostForAdmins = 8;

  // Of 64 places, 32 may be used by followers, and 8 of each kind are kept for admins. With fewer places,
  // half may be used by followers, and 8 of each kind, but at most a quarter of all places, are kept for
  // admins.
  explicit constexpr Admission(std::size_t places = kMostConnections) noexcept
      : places_(std::clamp<std::size_t>(places, 4, kMostConnections)) {}

  // How many may be open before a connection of this role is refused.
  [[nodiscard]] constexpr std::size_t places(Role role) const noexcept {
    return role == Role::admin ? places_ : places_ - for_admins();
  }
  // Of those, how many may follow.
  [[nodiscard]] constexpr std::size_t followers(Role role) const noexcept {
    return role == Role::admin ? places_ / 2 : places_ / 2 - for_admins();
  }

 private:
  [[nodiscard]] constexpr std::size_t for_admins() const noexcept {
    return std::min(kMostForAdmins, places_ / 4);
  }
  std::size_t places_;
};

}  // namespace gracevisor::control
