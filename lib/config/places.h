// Where each value of the files stands, by the path of its key: "app.web.command",
// "app.web.environment_file[1]", and for a short form the path of the table that it is short for:
// "app.web.health". For messages about what is found out after the files were checked, and to show where a
// value comes from. Thread: values, any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/source.h"

namespace gracevisor::config {

class Places {
 public:
  // Of what is said twice, the first remains.
  void add(std::string path, const Source& source) { places_.try_emplace(std::move(path), source); }
  // All of them, by path: for a record.
  using Entries = std::map<std::string, Source, std::less<>>;
  [[nodiscard]] const Entries& entries() const { return places_; }
  [[nodiscard]] Entries& entries() { return places_; }
  // Null if no file has a value at `path`, or if it is a table.
  [[nodiscard]] const Source* find(std::string_view path) const {
    const auto place = places_.find(path);
    return place == places_.end() ? nullptr : &place->second;
  }
  // Where a key gets its value: the same; or, if it is a table, where the first value in it stands; or the
  // place of the short form of the table that it is in.
  [[nodiscard]] const Source* find_key(std::string_view path) const {
    if (const Source* place = find(path)) return place;
    const Source* first = find_within(path);
    return first != nullptr ? first : find(path.substr(0, path.rfind('.')));
  }

 private:
  [[nodiscard]] const Source* find_within(std::string_view table) const {
    const std::string prefix = std::string(table) + ".";
    const Source* first = nullptr;
    for (auto place = places_.lower_bound(prefix); place != places_.end(); ++place) {
      if (!place->first.starts_with(prefix)) break;
      const Source& source = place->second;
      if (first == nullptr || (source.file == first->file && source.line < first->line)) first = &source;
    }
    return first;
  }

  Entries places_;
};

}  // namespace gracevisor::config
