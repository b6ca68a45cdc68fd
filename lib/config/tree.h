// A TOML file as plain values with their positions, in the order of the file: what the rest of this folder
// reads. Depth is bounded by parse(), so recursion over a tree is safe. Thread: values, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/findings.h"

namespace gracevisor::config {

struct Value;
struct Entry;
using Array = std::vector<Value>;
using Table = std::vector<Entry>;

struct Value {
  struct Date {};  // dates and times: part of TOML, not used here
  Source source;
  std::variant<std::string, std::int64_t, double, bool, Date, Array, Table> data;
};

struct Entry {
  std::string key;
  Source source;  // the key's
  Value value;
};

// "string", "integer", "float", "boolean", "date", "array" or "table".
[[nodiscard]] std::string_view kind(const Value& value);

// Null if there is none.
[[nodiscard]] const Entry* find(const Table& table, std::string_view key);

// The tree of `text`, the content of `file`. Text that cannot be parsed is reported (TOML gives one syntax
// error per file) and yields an empty table.
[[nodiscard]] Table parse(std::string_view text, const std::string& file, Findings& findings);

}  // namespace gracevisor::config
