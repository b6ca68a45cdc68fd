// The control API's messages as JSON: visitors of the tables in messages.h, so that writing and reading
// cannot drift apart. For control's own .cpp files and tests.
//
// All input is treated as hostile: any bytes may arrive, but none can cause an exception or deep recursion.
// An error names the message and the member: "status.apps: not an array". Thread: any; values.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "control/messages.h"

namespace gracevisor::control {

// The names that fields() gives to a message's members, in their order on the wire.
class MemberNames {
 public:
  void object(std::string_view /*called*/) {}
  void operator()(std::string_view name, const auto& /*member*/) { names_.push_back(name); }
  void sparse(std::string_view name, const auto& /*member*/) { names_.push_back(name); }
  void further(const auto& /*message*/, const auto& /*members*/) {}

  [[nodiscard]] static std::vector<std::string_view> of(const auto& message) {
    MemberNames names;
    fields(names, message);
    return std::move(names.names_);
  }

 private:
  std::vector<std::string_view> names_;
};

class MessageWriter {
 public:
  // The message on one line, without a newline.
  [[nodiscard]] static std::string text(const auto& message) {
    // App output and file names may not be UTF-8; bad bytes are replaced and never cause an exception.
    return encode(message).dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  void object(std::string_view /*called*/) {}
  template <class T>
  void operator()(std::string_view name, const T& member) {
    object_[std::string(name)] = encode(member);
  }
  template <class T>
  void sparse(std::string_view name, const T& member) {
    if (member != T()) (*this)(name, member);
  }
  void further(const auto& message, const ReportLine::Fields& members) {
    const auto own = MemberNames::of(message);
    for (const auto& [name, value] : members) {
      if (std::ranges::find(own, name) != own.end()) continue;
      object_[name] = std::visit([](const auto& v) { return Json(v); }, value);
    }
  }

 private:
  using Json = nlohmann::ordered_json;

  template <class M>
  [[nodiscard]] static Json encode(const M& message) {
    MessageWriter inner;
    fields(inner, message);
    return std::move(inner.object_);
  }
  template <std::integral T>
  [[nodiscard]] static Json encode(const T& number) {
    return number;
  }
  [[nodiscard]] static Json encode(double number) { return std::round(number * 10) / 10; }
  [[nodiscard]] static Json encode(const std::string& text) { return text; }
  [[nodiscard]] static Json encode(ExitCode exit) { return static_cast<int>(exit); }
  template <class T>
  [[nodiscard]] static Json encode(const std::optional<T>& value) {
    return value ? encode(*value) : Json();
  }
  template <class T>
  [[nodiscard]] static Json encode(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) array.push_back(encode(value));
    return array;
  }

  Json object_ = Json::object();
};

class MessageReader {
 public:
  using Json = nlohmann::json;

  [[nodiscard]] static base::Expected<Json> parse(std::string_view text);
  template <class M>
  [[nodiscard]] static base::Expected<M> read(std::string_view text) {
    auto json = parse(text);
    if (!json) return std::unexpected(std::move(json.error()));
    return decode<M>(*json);
  }

  // `json` must outlive the reader. If it is not an object, every member is missing.
  explicit MessageReader(const Json& json) noexcept : json_(json) {}
  // The first mismatch, if there was one; the members before and after it may have been read.
  [[nodiscard]] const std::optional<base::Error>& error() const noexcept { return error_; }

  void object(std::string_view called) {
    called_ = called;
    if (!json_.is_object()) fail(called_ + ": not a JSON object");
  }
  // A missing or null member leaves `into` unchanged.
  void operator()(std::string_view name, auto& into) {
    if (const Json* found = find(name)) take(name, *found, into);
  }
  void sparse(std::string_view name, auto& into) { (*this)(name, into); }
  void further(const auto& message, ReportLine::Fields& into) {
    if (json_.is_object()) take_further(MemberNames::of(message), into);
  }

 private:
  template <class M>
  [[nodiscard]] static base::Expected<M> decode(const Json& json) {
    M message;
    MessageReader reader(json);
    fields(reader, message);
    if (reader.error_) return std::unexpected(std::move(*reader.error_));
    return message;
  }

  [[nodiscard]] const Json* find(std::string_view name) const;
  void wrong(std::string_view name, std::string_view wanted);
  void fail(std::string what);

  void take(std::string_view name, const Json& json, bool& into);
  void take(std::string_view name, const Json& json, double& into);
  void take(std::string_view name, const Json& json, std::string& into);
  void take(std::string_view name, const Json& json, ExitCode& into);
  void take(std::string_view name, const Json& json, std::vector<std::string>& into);
  void take_further(const std::vector<std::string_view>& own, ReportLine::Fields& into);
  template <std::integral T>
  void take(std::string_view name, const Json& json, T& into) {
    if (!base::take_value(json, into)) wrong(name, "a whole number in range");
  }
  template <class T>
  void take(std::string_view name, const Json& json, std::optional<T>& into) {
    take(name, json, into.emplace());
  }
  template <class M>
    requires requires(MessageReader& reader, M& message) { fields(reader, message); }
  void take(std::string_view /*name*/, const Json& json, M& into) {
    auto message = decode<M>(json);
    if (!message) return fail(std::move(message.error().what));
    into = std::move(*message);
  }
  template <class M>
  void take(std::string_view name, const Json& json, std::vector<M>& into) {
    if (!json.is_array()) return wrong(name, "an array");
    for (const Json& element : json) {
      auto message = decode<M>(element);
      if (!message) return fail(std::move(message.error().what));
      into.push_back(std::move(*message));
    }
  }

  const Json& json_;
  std::string called_;
  std::optional<base::Error> error_;
};

}  // namespace gracevisor::control
