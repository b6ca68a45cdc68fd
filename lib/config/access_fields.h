// Where access logs go and what their lines look like: the same two keys for an app and for a listener.
// Thread: any.
#pragma once

#include "config/config.h"
#include "config/field.h"

namespace gracevisor::config {

inline constexpr Choice<AccessFormat> kAccessFormats[] = {{"json", AccessFormat::json},
                                                          {"combined", AccessFormat::combined}};

// "", "inherit" or an absolute path. Unset: an error was reported.
[[nodiscard]] std::optional<std::string> read_access_path(Reading& reading, const Item& item);

template <class T>
Field<T> access_path_field(std::string_view key, std::string T::* member, std::string_view comment,
                           std::string_view example) {
  return {key, comment,
          [=](Reading& r, const Item& item, T& out) {
            if (auto path = read_access_path(r, item)) out.*member = *path;
          },
          [=](const T& value) { return (value.*member).empty() ? std::string() : quote(value.*member); },
          example};
}

template <class T>
Field<T> access_format_field(std::string_view key, AccessFormat T::* member) {
  return choice_field(key, member, kAccessFormats, R"(a line's form: "json" or "combined")");
}

}  // namespace gracevisor::config
