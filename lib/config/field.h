// One table of fields per TOML table: key, how it is read, how it is written, what it is for. Reading,
// suggestions for unknown keys, --defaults and --check are all derived from it, so that none can miss a key.
// A default is given once, as the initial value of its member in config.h. Thread: any.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reading.h"
#include "config/substitute.h"
#include "config/values.h"

namespace gracevisor::config {

// What --defaults and --check print.
struct Line {
  std::string_view key;
  std::string text;          // the value as TOML; empty: not set
  std::string_view example;  // what --defaults shows, commented out, instead of an empty text
  std::string_view comment;
};
struct Section {
  std::string path;  // "app.web.health"
  std::string_view comment;
  std::vector<Line> lines;
  std::vector<Section> sections;
};

template <class T>
struct Field {
  using Read = std::function<void(Reading&, const Item&, T&)>;
  using Write = std::function<std::string(const T&)>;
  using Describe = std::function<Section(std::string path, const T&)>;

  // A constructor, because g++ 12 cannot compile an aggregate with initial values for the last members here.
  Field(std::string_view key_, std::string_view comment_, Read read_, Write write_ = {},
        std::string_view example_ = {}, Describe section_ = {})
      : key(key_),
        comment(comment_),
        read(std::move(read_)),
        write(std::move(write_)),
        example(example_),
        section(std::move(section_)) {}

  std::string_view key;
  std::string_view comment;
  Read read;
  Write write;  // as Line::text
  std::string_view example;
  Describe section;  // instead of `write`, for a sub-table
};

template <class T>
using Fields = std::vector<Field<T>>;

// "unknown key", with the nearest known one or all known ones.
[[nodiscard]] std::string unknown_key(std::string_view key, const std::vector<std::string_view>& known);

template <class T>
void read_table(Reading& reading, const std::string& path, const Table& table, const Fields<T>& fields,
                T& out) {
  for (const Entry& entry : table) {
    auto field =
        std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.key == entry.key; });
    std::string key_path = path + "." + key_text(entry.key);
    if (field != fields.end()) {
      field->read(reading, Item{key_path, entry.value}, out);
      continue;
    }
    std::vector<std::string_view> known;
    known.reserve(fields.size());
    for (const auto& f : fields) known.push_back(f.key);
    reading.error(entry.source, key_path, unknown_key(entry.key, known));
  }
}

template <class T>
Section describe(std::string path, std::string_view comment, const Fields<T>& fields, const T& value) {
  Section out{std::move(path), comment, {}, {}};
  for (const auto& field : fields) {
    if (field.section) {
      out.sections.push_back(field.section(out.path + "." + std::string(field.key), value));
      if (out.sections.back().comment.empty()) out.sections.back().comment = field.comment;
    } else if (field.write) {
      out.lines.push_back({field.key, field.write(value), field.example, field.comment});
    }
  }
  return out;
}

// The common kinds of fields. `member` is a pointer to a member of T.

template <class T>
Field<T> number_field(std::string_view key, unsigned T::* member, Bounds<std::int64_t> bounds,
                      std::string_view comment) {
  return {key, comment,
          [=](Reading& r, const Item& item, T& out) {
            if (auto value = r.integer(item, bounds)) out.*member = static_cast<unsigned>(*value);
          },
          [=](const T& value) { return std::to_string(value.*member); }};
}

// Unset is "auto".
template <class T>
Field<T> number_or_auto_field(std::string_view key, std::optional<unsigned> T::* member,
                              Bounds<std::int64_t> bounds, std::string_view comment) {
  return {key, comment,
          [=](Reading& r, const Item& item, T& out) {
            const auto* text = std::get_if<std::string>(&item.value.data);
            if (text != nullptr && *text == "auto") {
              out.*member = std::nullopt;
            } else if (!std::holds_alternative<std::int64_t>(item.value.data)) {
              r.wrong_type(item, R"("auto" or an integer)");
            } else if (auto value = r.integer(item, bounds)) {
              out.*member = static_cast<unsigned>(*value);
            }
          },
          [=](const T& value) {
            return value.*member ? std::to_string(*(value.*member)) : std::string(R"("auto")");
          }};
}

template <class T>
Field<T> duration_field(std::string_view key, Millis T::* member, Bounds<Millis> bounds,
                        std::string_view comment) {
  return {key, comment,
          [=](Reading& r, const Item& item, T& out) {
            if (auto value = r.duration(item, bounds)) out.*member = *value;
          },
          [=](const T& value) { return quote(duration_text(value.*member)); }};
}

// Unset is "auto".
template <class T>
Field<T> duration_or_auto_field(std::string_view key, std::optional<Millis> T::* member,
                                Bounds<Millis> bounds, std::string_view comment) {
  return {key, comment,
          [=](Reading& r, const Item& item, T& out) {
            const auto* text = std::get_if<std::string>(&item.value.data);
            if (text != nullptr && *text == "auto") {
              out.*member = std::nullopt;
            } else if (auto value = r.duration(item, bounds)) {
              out.*member = *value;
            }
          },
          [=](const T& value) {
            return value.*member ? quote(duration_text(*(value.*member))) : std::string(R"("auto")");
          }};
}

template <class T>
Field<T> size_field(std::string_view key, std::uint64_t T::* member, Bounds<std::uint64_t> bounds,
                    std::string_view comment) {
  return {key, comment,
          [=](Reading& r, const Item& item, T& out) {
            if (auto value = r.size(item, bounds)) out.*member = *value;
          },
          [=](const T& value) { return quote(size_text(value.*member)); }};
}

template <class T>
Field<T> boolean_field(std::string_view key, bool T::* member, std::string_view comment) {
  return {key, comment,
          [=](Reading& r, const Item& item, T& out) {
            if (auto value = r.boolean(item)) out.*member = *value;
          },
          [=](const T& value) { return std::string(value.*member ? "true" : "false"); }};
}

template <class T, class E, std::size_t N>
Field<T> choice_field(std::string_view key, E T::* member, const Choice<E> (&choices)[N],
                      std::string_view comment) {
  return {key, comment,
          [member, &choices](Reading& r, const Item& item, T& out) {
            if (auto value = r.choice(item, choices)) out.*member = *value;
          },
          [member, &choices](const T& value) {
            auto it = std::find_if(std::begin(choices), std::end(choices),
                                   [&](const auto& choice) { return choice.value == value.*member; });
            return quote(it->word);
          }};
}

// A sub-table that fills one member.
template <class T, class M>
Field<T> table_field(std::string_view key, M T::* member, const Fields<M>& fields, std::string_view comment) {
  return {key,
          comment,
          [=](Reading& r, const Item& item, T& out) {
            if (const Table* table = r.table(item)) read_table(r, item.path, *table, fields, out.*member);
          },
          nullptr,
          {},
          [=](std::string path, const T& value) {
            return describe(std::move(path), comment, fields, value.*member);
          }};
}

void read_fixed_word(Reading& reading, const Item& item, std::string_view word,
                     const std::vector<std::string_view>& reserved);

// A key for which this version supports only the default; the words of `reserved` are for later.
template <class T>
Field<T> fixed_word_field(std::string_view key, std::string_view word,
                          const std::vector<std::string_view>& reserved, std::string_view comment) {
  return {key, comment, [=](Reading& r, const Item& item, T&) { read_fixed_word(r, item, word, reserved); },
          [=](const T&) { return quote(word); }};
}
// A name reserved for later: only `false` is accepted, and --defaults does not show it.
template <class T>
Field<T> reserved_field(std::string_view key) {
  return {key, {}, [](Reading& r, const Item& item, T&) {
            const auto* value = std::get_if<bool>(&item.value.data);
            if (value == nullptr || *value) r.not_supported(item);
          }};
}

// ["a", "b"] as TOML.
[[nodiscard]] std::string list_text(const std::vector<std::string>& items);

// { A = "b" } as TOML.
[[nodiscard]] std::string map_text(const std::vector<std::pair<std::string, std::string>>& items);

}  // namespace gracevisor::config
