// Values to JSON and back, for the state file. Structures come from the table of keys (config/key.h) and from
// state_fields.h: the same tables serve both directions, so writing and reading cannot drift apart.
//
// Lossless for any bytes: a string that is not UTF-8 becomes {"hex": "ff00"}. Reading never throws; it
// reports the first misfit with its path. A missing key leaves the default, so that a newer daemon can read
// an older one's file; unknown keys are skipped. Thread: any.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/strong.h"
#include "spec/state_fields.h"

namespace gracevisor::spec {

using Json = nlohmann::json;

inline constexpr std::uint64_t kMaxTime = 253'402'300'799;  // the end of the year 9999, in seconds

[[nodiscard]] Json string_to_json(const std::string& text);
[[nodiscard]] std::optional<std::string> string_from_json(const Json& json);
// A number that is a member of an object; unset unless it is there, is whole, and fits.
[[nodiscard]] inline std::optional<std::uint64_t> number_from_json(const Json& object, const char* key) {
  std::uint64_t number = 0;
  const auto found = object.find(key);
  return found != object.end() && base::take_value(*found, number) ? std::optional(number) : std::nullopt;
}

// The word of a config::Choice, without the ":" that may end it.
[[nodiscard]] inline std::string_view stem(std::string_view word) {
  return word.substr(0, word.find_last_not_of(':') + 1);
}

// A visitor of tables of keys and fields.
class StateWriter {
 public:
  template <class Codec, class... M>
  void operator()(const config::Key& key, const Codec& codec, const M&... members) {
    const auto put = [&](std::string_view name, const auto& value) { put_value(name, codec, value); };
    for_each_kept(key, put, members...);
  }
  template <class Codec, class... M>
  void also(const config::Key& /*key*/, const Codec& /*codec*/, const M&... /*members*/) {}
  template <class Codec, class M, class... C>
  void table(const config::Key& key, const Codec& /*codec*/, const M& value, const C&... /*context*/) {
    if constexpr (!std::is_empty_v<M>) kept(key.name, value);
  }
  template <class T>
  void kept(std::string_view name, const T& value) {
    object_[std::string(name)] = encode(value);
  }

  template <class T>
  [[nodiscard]] static Json encode(const T& value) {
    StateWriter inner;
    inner.object_ = Json::object();
    if constexpr (requires { keys(inner, value); }) {
      keys(inner, value);
    } else {
      fields(inner, value);
    }
    return std::move(inner.object_);
  }
  template <std::integral T>
  [[nodiscard]] static Json encode(const T& value) {
    return value;
  }
  [[nodiscard]] static Json encode(const std::string& value) { return string_to_json(value); }
  [[nodiscard]] static Json encode(const std::filesystem::path& value) {
    return string_to_json(value.string());
  }
  [[nodiscard]] static Json encode(base::Millis value) { return value.count(); }
  template <class T, class Tag>
  [[nodiscard]] static Json encode(const base::Strong<T, Tag>& value) {
    return encode(value.value());
  }
  [[nodiscard]] static Json encode(const base::Address& value) { return string_to_json(value.text()); }
  template <class T>
  [[nodiscard]] static Json encode(const std::optional<T>& value) {
    return value ? encode(*value) : Json();
  }
  template <class A, class B>
  [[nodiscard]] static Json encode(const std::pair<A, B>& value) {
    Json array = Json::array();
    array.push_back(encode(value.first));
    array.push_back(encode(value.second));
    return array;
  }
  template <class T>
  [[nodiscard]] static Json encode(const std::vector<T>& values) {
    return encode_all(values);
  }
  // An array of pairs: a JSON object's keys would have to be UTF-8.
  template <class V, class Order>
  [[nodiscard]] static Json encode(const std::map<std::string, V, Order>& values) {
    return encode_all(values);
  }

 private:
  template <class Codec, class M>
  void put_value(std::string_view name, const Codec& codec, const M& value) {
    if constexpr (std::is_enum_v<M>) {
      object_[std::string(name)] = stem(word_of(std::span(codec.choices), value));
    } else {
      kept(name, value);
    }
  }

  template <class Range>
  [[nodiscard]] static Json encode_all(const Range& values) {
    Json array = Json::array();
    for (const auto& value : values) array.push_back(encode(value));
    return array;
  }

  Json object_;
};

class StateReader {
 public:
  // Where the first misfit is, e.g. "live_spec.app.instances"; empty: none so far.
  [[nodiscard]] const std::string& misfit() const noexcept { return misfit_; }

  template <class Codec, class... M>
  void operator()(const config::Key& key, const Codec& codec, M&&... members) {
    const auto take = [&](std::string_view name, auto& value) { take_value(name, codec, value); };
    for_each_kept(key, take, members...);
  }
  template <class Codec, class... M>
  void also(const config::Key& /*key*/, const Codec& /*codec*/, M&&... /*members*/) {}
  template <class Codec, class M, class... C>
  void table(const config::Key& key, const Codec& /*codec*/, M& value, C&&... /*context*/) {
    if constexpr (!std::is_empty_v<M>) kept(key.name, value);
  }
  template <class T>
  void kept(std::string_view name, T& value) {
    take_as(name, [&](const Json& json) { return decode(json, value); });
  }

  // False on a misfit; `value` is then half-read.
  template <class T>
  [[nodiscard]] bool decode(const Json& json, T& value) {
    if (!json.is_object()) return false;
    const Json* outer = std::exchange(object_, &json);
    if constexpr (requires { keys(*this, value); }) {
      keys(*this, value);
    } else {
      fields(*this, value);
    }
    object_ = outer;
    return misfit_.empty();
  }
  template <std::integral T>
  [[nodiscard]] bool decode(const Json& json, T& value) {
    return base::take_value(json, value);
  }
  [[nodiscard]] bool decode(const Json& json, std::string& value) {
    auto text = string_from_json(json);
    if (text) value = std::move(*text);
    return text.has_value();
  }
  [[nodiscard]] bool decode(const Json& json, std::filesystem::path& value) {
    auto text = string_from_json(json);
    if (text) value = std::move(*text);
    return text.has_value();
  }
  [[nodiscard]] bool decode(const Json& json, base::Address& value) {
    auto text = string_from_json(json);
    if (!text) return false;
    auto address = base::Address::parse(*text);
    if (address) value = *address;
    return address.has_value();
  }
  template <class T, class Tag>
  [[nodiscard]] bool decode(const Json& json, base::Strong<T, Tag>& value) {
    T plain{};
    if (!decode(json, plain)) return false;
    value = base::Strong<T, Tag>(plain);
    return true;
  }
  [[nodiscard]] bool decode(const Json& json, base::Millis& value) {
    // A value that does not fit in nanoseconds would overflow later.
    constexpr auto kMax = std::chrono::duration_cast<base::Millis>(base::Duration::max()).count();
    base::Millis::rep count = 0;
    if (!decode(json, count) || count < 0 || count > kMax) return false;
    value = base::Millis(count);
    return true;
  }
  template <class T>
  [[nodiscard]] bool decode(const Json& json, std::optional<T>& value) {
    value.reset();
    return json.is_null() || decode(json, value.emplace());
  }
  template <class A, class B>
  [[nodiscard]] bool decode(const Json& json, std::pair<A, B>& value) {
    return json.is_array() && json.size() == 2 && decode(json[0], value.first) &&
           decode(json[1], value.second);
  }
  template <class T>
  [[nodiscard]] bool decode(const Json& json, std::vector<T>& values) {
    values.clear();
    if (!json.is_array()) return false;
    for (const Json& element : json) {
      if (!decode(element, values.emplace_back())) return false;
    }
    return true;
  }
  template <class V, class Order>
  [[nodiscard]] bool decode(const Json& json, std::map<std::string, V, Order>& values) {
    std::vector<std::pair<std::string, V>> pairs;
    if (!decode(json, pairs)) return false;
    values.clear();
    for (auto& [key, value] : pairs) values.insert_or_assign(std::move(key), std::move(value));
    return true;
  }

 private:
  template <class Codec, class M>
  void take_value(std::string_view name, const Codec& codec, M& value) {
    if constexpr (std::is_enum_v<M>) {
      take_as(name, [&](const Json& json) { return decode_word(json, codec.choices, value); });
    } else {
      kept(name, value);
    }
  }
  // Calls `decode` with the member of that name, if there is one and there has been no misfit so far.
  template <class Decode>
  void take_as(std::string_view name, const Decode& decode) {
    if (!misfit_.empty()) return;
    auto found = object_->find(name);
    if (found == object_->end() || decode(*found)) return;
    misfit_ = std::string(name) + (misfit_.empty() ? "" : "." + misfit_);
  }
  template <class Choices, class E>
  [[nodiscard]] static bool decode_word(const Json& json, const Choices& choices, E& value) {
    const auto* text = json.get_ptr<const Json::string_t*>();
    if (text == nullptr) return false;
    for (const auto& choice : choices) {
      if (stem(choice.word) != *text) continue;
      value = choice.value;
      return true;
    }
    return false;
  }

  const Json* object_ = nullptr;
  std::string misfit_;
};

}  // namespace gracevisor::spec
