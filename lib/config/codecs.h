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
#include <utility>
#include <vector>

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

struct Number {
  Bounds<std::int64_t> bounds;
  [[nodiscard]] std::optional<unsigned> value(Reading& reading, const Item& item) const;
  [[nodiscard]] static std::string text(const unsigned& value);
  [[nodiscard]] std::string kind() const;
};

struct Boolean {
  [[nodiscard]] static std::optional<bool> value(Reading& reading, const Item& item);
  [[nodiscard]] static std::string text(const bool& value);
  [[nodiscard]] static std::string kind();
};

// A value, or "auto", which is unset.
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

// One word of a key that takes one of several; one that ends in ":" stands for all that begin with it.
template <class E>
struct Choice {
  std::string_view word;
  E value;
};

// Requires: it is one of the choices.
template <class E>
[[nodiscard]] std::string_view word_of(std::span<const Choice<E>> choices, E value) {
  return std::ranges::find(choices, value, &Choice<E>::value)->word;
}

// "close", "wait" or "now".
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
template <class E, std::size_t N>
OneOf(const Choice<E> (&)[N]) -> OneOf<E>;

// A key for which this version supports only the default; the words of `later` are reserved.
struct FixedWord {
  std::string_view word;
  std::vector<std::string_view> later;
  void read(Reading& reading, const Item& item) const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string kind() const;
};

// A name reserved for later: only `false` is accepted.
struct Reserved {
  static void read(Reading& reading, const Item& item);
  [[nodiscard]] static std::string text() { return {}; }
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

// The same for text that is checked and changed by `parse`.
template <class T>
struct Parsed {
  base::Expected<T> (*parse)(std::string_view);
  std::string (*writes)(const T&);
  std::string_view what;  // also "expected WHAT, found integer"

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
// Not set if it is empty.
[[nodiscard]] std::string quote_if_set(const std::string& text);
// Not set if it is unset.
[[nodiscard]] std::string quote_optional(const std::optional<std::string>& text);
// A path relative to the folder of its file.
void read_path(Reading& reading, const Item& item, std::filesystem::path& path);
// ["a", "b"] as TOML.
[[nodiscard]] std::string list_text(const std::vector<std::string>& items);
// { A = "b" } as TOML.
[[nodiscard]] std::string map_text(const std::vector<std::pair<std::string, std::string>>& items);
// The same with values that may be secrets as "***".
[[nodiscard]] std::string masked_text(const std::vector<std::pair<std::string, std::string>>& items);

}  // namespace gracevisor::config
