// Reads a JSON object member by member and remembers the first wrong type. For control's own .cpp files.
// Thread: values.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gracevisor::control {

class JsonReader {
 public:
  // Parses the text; it need not be an object, but then every read fails.
  [[nodiscard]] static base::Expected<nlohmann::json> parse(std::string_view text);

  // `object` must outlive the reader; `what` names it in errors: "status".
  JsonReader(const nlohmann::json& object, std::string_view what);

  // A missing or null member leaves `into` unchanged.
  void read(const char* name, std::string& into);
  void read(const char* name, bool& into);
  void read(const char* name, std::vector<std::string>& into);
  template <class T>
    requires std::is_integral_v<T>
  void read(const char* name, T& into) {
    const nlohmann::json* found = member(name);
    if (found == nullptr) return;
    if (auto number = integer<T>(*found)) {
      into = *number;
    } else {
      wrong(name, "a whole number in range");
    }
  }
  template <class T>
  void read(const char* name, std::optional<T>& into) {
    if (member(name) == nullptr) return;
    into.emplace();
    read(name, *into);
  }
  // Every element of the array `name`, each by `one`(element) -> Expected<T>.
  template <class T, class ReadOne>
  void read_each(const char* name, std::vector<T>& into, ReadOne one) {
    const nlohmann::json* found = member(name);
    if (found == nullptr) return;
    if (!found->is_array()) return wrong(name, "an array");
    for (const nlohmann::json& element : *found) {
      base::Expected<T> value = one(element);
      if (!value) return fail(value.error().what);
      into.push_back(std::move(*value));
    }
  }

  [[nodiscard]] bool good() const noexcept { return !error_; }
  [[nodiscard]] base::Error error() const { return *error_; }

 private:
  [[nodiscard]] const nlohmann::json* member(const char* name) const;
  void wrong(const char* name, std::string_view wanted);
  void fail(std::string what);

  template <class T>
  [[nodiscard]] static std::optional<T> integer(const nlohmann::json& value) {
    // A negative number is kept as signed, any other as unsigned.
    if (value.is_number_unsigned()) {
      auto number = value.get<std::uint64_t>();
      if (number <= static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return static_cast<T>(number);
    } else if (value.is_number_integer()) {
      auto number = value.get<std::int64_t>();
      if (std::is_signed_v<T> && number >= static_cast<std::int64_t>(std::numeric_limits<T>::min())) {
        return static_cast<T>(number);
      }
    }
    return std::nullopt;
  }

  const nlohmann::json& object_;
  std::string what_;
  std::optional<base::Error> error_;
};

}  // namespace gracevisor::control
