// What the tables of messages are made with (messages.h). Thread: any.
#pragma once

#include <concepts>
#include <type_traits>

namespace gracevisor::control {

// M or const M: one table serves both writing and reading.
template <class T, class M>
concept IsA = std::same_as<std::remove_const_t<T>, M>;

}  // namespace gracevisor::control
