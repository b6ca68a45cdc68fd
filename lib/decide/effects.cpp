#include "decide/effects.h"

#include <utility>

namespace gracevisor::decide {

// Here, so that what only passes effects on need not be able to move each kind of fact.
void Effects::tell(Fact fact) {
  tell(std::move(fact), nullptr);
}

}  // namespace gracevisor::decide
