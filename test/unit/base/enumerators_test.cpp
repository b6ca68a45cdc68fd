#include "base/enumerators.h"

#include <cstdint>

namespace gracevisor::base {
namespace {

enum class None : std::uint8_t {};
enum class One : std::uint8_t { only };
enum class Three : std::uint8_t { a, b, c };
enum class Gap : std::uint8_t { a, c = 2 };

static_assert(enumerator_count<None>() == 0);
static_assert(enumerator_count<One>() == 1);
static_assert(enumerator_count<Three>() == 3);
static_assert(enumerator_count<Gap>() == 1);
static_assert(is_enumerator<Gap::c>());
static_assert(!is_enumerator<static_cast<Gap>(1)>());

}  // namespace
}  // namespace gracevisor::base
