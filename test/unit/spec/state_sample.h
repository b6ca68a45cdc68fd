// A spec with every field set, and a text of every field, for the round trip of the state file. Both take the
// structures apart by themselves: what lib/spec/state_fields.h forgets shows here.
#pragma once

#include <concepts>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "spec/spec.h"

namespace gracevisor::test {

inline std::string show(const std::string& text) {
  return std::to_string(text.size()) + ":" + text;
}
inline std::string show(const std::filesystem::path& path) {
  return show(path.string());
}
inline std::string show(base::Millis time) {
  return std::to_string(time.count()) + "ms";
}
template <std::integral T>
std::string show(const T& number) {
  return std::to_string(number);
}
template <class E>
  requires std::is_enum_v<E>
std::string show(const E& value) {
  return std::to_string(static_cast<int>(value));
}

[[nodiscard]] std::string show(const config::Source& value);
[[nodiscard]] std::string show(const config::EnvironmentFile& value);
[[nodiscard]] std::string show(const config::Route& value);
[[nodiscard]] std::string show(const config::StatusRange& value);
[[nodiscard]] std::string show(const config::Health& value);
[[nodiscard]] std::string show(const config::Deploy& value);
[[nodiscard]] std::string show(const config::Restart& value);
[[nodiscard]] std::string show(const config::StopStep& value);
[[nodiscard]] std::string show(const config::Stop& value);
[[nodiscard]] std::string show(const config::AppLog& value);
[[nodiscard]] std::string show(const config::HeaderRules& value);
std::string show(const config::ErrorPage& value);
std::string show(const config::ProxyOptions& value);
[[nodiscard]] std::string show(const config::OpenFiles& value);
[[nodiscard]] std::string show(const config::Limits& value);
[[nodiscard]] std::string show(const config::App& value);
[[nodiscard]] std::string show(const base::Address& value);
[[nodiscard]] std::string show(const config::Cidr& value);
[[nodiscard]] std::string show(const config::Listener& value);
[[nodiscard]] std::string show(const spawn::Credentials& value);
[[nodiscard]] std::string show(const spec::Spec& value);

template <class T, class Tag>
std::string show(const base::Strong<T, Tag>& value) {
  return show(value.value());
}
template <class A, class B>
std::string show(const std::pair<A, B>& pair) {
  return show(pair.first) + "=" + show(pair.second);
}
template <class T>
std::string show(const std::optional<T>& value);
template <class Range>
  requires requires(const Range& range) {
    typename Range::value_type;
    range.begin();
  } && (!std::same_as<Range, std::string>) && (!std::same_as<Range, std::filesystem::path>)
std::string show(const Range& range) {
  std::string text = "[";
  for (const auto& element : range) text += show(element) + " ";
  return text + "]";
}
template <class T>
std::string show(const std::optional<T>& value) {
  return value ? "some " + show(*value) : "none";
}
template <class... Fields>
std::string show_all(const Fields&... values) {
  std::string text = "{";
  ((text += show(values) + ";"), ...);
  return text + "}";
}

// No field has its default; strings with quotes, newlines, UTF-8, NUL and bytes that are no UTF-8.
[[nodiscard]] spec::Spec sample_spec();

}  // namespace gracevisor::test
