// How the value of a key is read, written as TOML, and described. A codec has
//   std::optional<T> value(Reading&, const Item&)   for one member; unset: an error was reported
//   or read(Reading&, const Item&, members&...)     the same for several, or for a list
//   std::string text(const members&...)             as TOML; empty: not set, or without meaning
//   std::string kind()                              what may be written: "a duration, 10ms to 1d"
// Thread: any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/enumerators.h"
#include "config/reading.h"
#include "config/values.h"

namespace gracevisor::config {

inline constexpr Millis kDay{86'400'000};

struct Duration {
  Bounds<Millis> bounds;
  [[nodiscard]] std::optional<Millis> value(Reading& reading, const Item& item) const;
  [[nodiscard]] static std::string text(const Millis& value);
  [[nodiscard]] std::string kind() const;
};

struct Size {
  Bounds<std::uint64_t> bounds;
  [[nodiscard]] std::optional<std::uint64_t> value(Reading& reading, const Item& item) const;
  [[nodiscard]] static std::string text(const std::uint64_t& value);
  [[nodiscard]] std::string kind() const;
};

// Requires: the bounds fit into T.
template <class T>
struct Whole {
  Bounds<std::int64_t> bounds;
  [[nodiscard]] std::optional<T> value(Reading& reading, const Item& item) const;
  [[nodiscard]] static std::string text(const T& value);
  [[nodiscard]] std::string kind() const;
};
extern template struct Whole<unsigned>;
extern template struct Whole<int>;
using Number = Whole<unsigned>;
using Integer = Whole<int>;  // may be negative

struct Boolean {
  [[nodiscard]] static std::optional<bool> value(Reading& reading, const Item& item);
  [[nodiscard]] static std::string text(const bool& value);
  [[nodiscard]] static std::string kind();
};

// A value, or "auto", for which the member is unset.
struct DurationOrAuto {
  Bounds<Millis> bounds;
  void read(Reading& reading, const Item& item, std::optional<Millis>& out) const;
  [[nodiscard]] static std::string text(const std::optional<Millis>& value);
  [[nodiscard]] std::string kind() const;
};
struct NumberOrAuto {
  Bounds<std::int64_t> bounds;
  void read(Reading& reading, const Item& item, std::optional<unsigned>& out) const;
  [[nodiscard]] static std::string text(const std::optional<unsigned>& value);
  [[nodiscard]] std::string kind() const;
};

// For a member that is unset without the key.
template <class Codec>
struct OrUnset {
  Codec codec;

  [[nodiscard]] auto value(Reading& reading, const Item& item) const { return codec.value(reading, item); }
  template <class T>
  [[nodiscard]] std::string text(const std::optional<T>& value) const {
    return value ? codec.text(*value) : std::string();
  }
  [[nodiscard]] std::string kind() const { return codec.kind(); }
};
template <class Codec>
OrUnset(Codec) -> OrUnset<Codec>;

// One of the words that a key accepts; a word that ends in ":" stands for every word that begins with it.
template <class E>
struct Choice {
  std::string_view word;
  E value;
};

// Requires: `value` is one of the choices.
template <class E>
[[nodiscard]] std::string_view word_of(std::span<const Choice<E>> choices, E value) {
  return std::ranges::find(choices, value, &Choice<E>::value)->word;
}

// For example: "close", "wait" or "now".
[[nodiscard]] std::string one_of(const std::vector<std::string_view>& words);

// One of several words.
template <class E>
struct OneOf {
  std::span<const Choice<E>> choices;

  [[nodiscard]] std::optional<E> value(Reading& reading, const Item& item) const {
    auto index = reading.word(item, words());
    return index ? std::optional(choices[*index].value) : std::nullopt;
  }
  [[nodiscard]] std::string text(const E& value) const { return quote(word_of(choices, value)); }
  [[nodiscard]] std::string kind() const { return one_of(words()); }

 private:
  [[nodiscard]] std::vector<std::string_view> words() const {
    std::vector<std::string_view> words;
    for (const Choice<E>& choice : choices) words.push_back(choice.word);
    return words;
  }
};
// Every enumerator needs a word: if one has none, OneOf cannot be deduced.
template <class E, std::size_t N>
  requires(!std::is_enum_v<E> || base::enumerator_count<E>() == N)
OneOf(const Choice<E> (&)[N]) -> OneOf<E>;

// Marks a key that this version does not implement: its codec refuses every value but the default. Such a key
// is shown as "(later)".
template <class Codec>
struct Later : Codec {
  static constexpr bool kLater = true;
};
template <class Codec>
Later(Codec) -> Later<Codec>;
template <class Codec>
inline constexpr bool kIsLater = requires { Codec::kLater; };

// For Later: one word; those of `later` are reserved.
struct FixedWord {
  std::string_view word;
  std::vector<std::string_view> later;
  void read(Reading& reading, const Item& item) const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string kind() const;
};

// For Later: only `false`.
struct Reserved {
  static void read(Reading& reading, const Item& item);
  [[nodiscard]] static std::string text() { return "false"; }
  [[nodiscard]] static std::string kind() { return "false"; }
};

// A codec made of two functions.
template <class... M>
struct By {
  void (*reads)(Reading&, const Item&, M&...);
  std::string (*writes)(const M&...);
  std::string_view what;

  void read(Reading& reading, const Item& item, M&... members) const { reads(reading, item, members...); }
  [[nodiscard]] std::string text(const M&... members) const { return writes(members...); }
  [[nodiscard]] std::string kind() const { return std::string(what); }
};

// A codec for text that `parse` checks and converts.
template <class T>
struct Parsed {
  base::Expected<T> (*parse)(std::string_view);
  std::string (*writes)(const T&);
  std::string_view what;  // also used in "expected WHAT, found integer"

  [[nodiscard]] std::optional<T> value(Reading& reading, const Item& item) const {
    auto text = reading.text(item, what);
    if (!text) return std::nullopt;
    auto parsed = parse(*text);
    if (parsed) return std::move(*parsed);
    reading.error(item, parsed.error().what);
    return std::nullopt;
  }
  [[nodiscard]] std::string text(const T& value) const { return writes(value); }
  [[nodiscard]] std::string kind() const { return std::string(what); }
};

[[nodiscard]] std::string quote_text(const std::string& text);
// Empty text (not set) for an empty string.
[[nodiscard]] std::string quote_if_set(const std::string& text);
// Empty text (not set) for an unset string.
[[nodiscard]] std::string quote_optional(const std::optional<std::string>& text);
// Reads a path, which is relative to the folder of its file unless absolute.
void read_path(Reading& reading, const Item& item, std::filesystem::path& path);
// ["a", "b"] as TOML.
[[nodiscard]] std::string list_text(const std::vector<std::string>& items);
// { A = "b" } as TOML.
[[nodiscard]] std::string map_text(const std::vector<std::pair<std::string, std::string>>& items);
// The same with "***" for every value, as any may be a secret.
[[nodiscard]] std::string masked_text(const std::vector<std::pair<std::string, std::string>>& items);

}  // namespace gracevisor::config
