// Turns JSON values into C++ values, for all code that reads JSON: the control API's messages
// (control/archive.h) and the records on disk (spec/state_json.h). No value makes these functions throw.
// Thread: any; values.
#pragma once

#include <nlohmann/json.hpp>

#include <concepts>
#include <utility>

namespace gracevisor::base {

// Returns false and leaves `value` unchanged unless the JSON value is of this type and fits. A number with a
// fraction or an exponent is not a whole number.
[[nodiscard]] inline bool take_value(const nlohmann::json& json, bool& value) {
  const auto* flag = json.get_ptr<const nlohmann::json::boolean_t*>();
  if (flag != nullptr) value = *flag;
  return flag != nullptr;
}

template <std::integral T>
[[nodiscard]] bool take_value(const nlohmann::json& json, T& value) {
  const auto take = [&value](auto number) {
    const bool fits = std::in_range<T>(number);
    if (fits) value = static_cast<T>(number);
    return fits;
  };
  // The parser keeps a negative number as signed, any other as unsigned.
  if (json.is_number_unsigned()) return take(*json.get_ptr<const nlohmann::json::number_unsigned_t*>());
  if (json.is_number_integer()) return take(*json.get_ptr<const nlohmann::json::number_integer_t*>());
  return false;
}

}  // namespace gracevisor::base
