// Counts the enumerators of an enumeration, so that the compiler can check that a table of words for them is
// complete. Thread: compile time.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace gracevisor::base {

// GCC and clang print a value that is an enumerator by name ("E::word"), and any other as a cast ("(E)7").
template <auto Value>
consteval bool is_enumerator() {
  constexpr std::string_view kName = __PRETTY_FUNCTION__;
  return kName[kName.find("Value = ") + std::string_view("Value = ").size()] != '(';
}

// Requires that the enumerators count from 0 without a gap, as they do when none is given a value.
template <class E, std::size_t From = 0>
  requires std::is_enum_v<E>
consteval std::size_t enumerator_count() {
  if constexpr (is_enumerator<static_cast<E>(From)>()) {
    return enumerator_count<E, From + 1>();
  } else {
    return From;
  }
}

}  // namespace gracevisor::base
