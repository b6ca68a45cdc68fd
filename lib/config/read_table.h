// The visitor that reads a TOML table, and its message for an unknown key. Internal to config/.
// Thread: the one that loads.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.h"
#include "config/reading.h"

namespace gracevisor::config {

// "unknown key", with what another supervisor's key is called here, the nearest known one or all known ones.
// `table`: the path of the table that it is in.
[[nodiscard]] std::string unknown_key(std::string_view table, std::string_view key,
                                      const std::vector<std::string_view>& known);

template <class T>
void read_table(Reading& reading, const std::string& path, const Table& table, T& out);

// A sub-table without a short form: its value must be a table.
struct PlainTable {
  template <class M>
  void read(Reading& reading, const Item& item, M& out) const {
    if (const Table* table = reading.table(item)) read_table(reading, item.path, *table, out);
  }
  template <class... M>
  [[nodiscard]] bool has_meaning(const M&...) const {
    return true;
  }
};

class TableReader {
 public:
  TableReader(Reading& reading, const std::string& path, const Table& table)
      : reading_(&reading), path_(&path), table_(&table) {}

  template <class Codec, class... M>
  void operator()(const Key& key, const Codec& codec, M&&... members) {
    known_.push_back(key.name);
    const Entry* entry = find(*table_, key.name);
    if (entry == nullptr) return;
    const Item item{*path_ + "." + key_text(key.name), entry->value, entry->source};
    if constexpr (requires { codec.value(*reading_, item); }) {
      if (auto value = codec.value(*reading_, item)) {
        auto& given = *value;
        ((member(members) = std::move(given)), ...);
      }
    } else {
      codec.read(*reading_, item, member(members)...);
    }
  }
  template <class Codec, class... M>
  void also(const Key& key, const Codec& codec, M&&... members) {
    (*this)(key, codec, members...);
  }
  template <class Codec, class M, class... C>
  void table(const Key& key, const Codec& codec, M& out, C&&... /*context*/) {
    (*this)(key, codec, out);
  }
  void kept(std::string_view /*name*/, const auto& /*member*/) {}

  // Reports the keys of the table that no row has named.
  void report_unknown() const {
    for (const Entry& entry : *table_) {
      if (std::ranges::find(known_, entry.key) != known_.end()) continue;
      reading_->error(entry.source, *path_ + "." + key_text(entry.key),
                      unknown_key(*path_, entry.key, known_));
    }
  }

 private:
  Reading* reading_;
  const std::string* path_;
  const Table* table_;
  std::vector<std::string_view> known_;
};

template <class T>
void read_table(Reading& reading, const std::string& path, const Table& table, T& out) {
  TableReader reader(reading, path, table);
  keys(reader, out);
  reader.report_unknown();
}

}  // namespace gracevisor::config
