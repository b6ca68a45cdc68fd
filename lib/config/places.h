// Where each value of the files stands, by the path of its key: "app.web.command",
// "app.web.environment_file[1]", and for a short form the path of the table that it is short for:
// "app.web.health". For messages about what is found out after the files were checked, and to show where a
// value comes from. Thread: values, any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/config.h"

namespace gracevisor::config {

class Places {
 public:
  // Of what is said twice, the first remains.
  void add(std::string path, const Source& source) { places_.try_emplace(std::move(path), source); }
  // Null if no file has a value at `path`, or if it is a table.
  [[nodiscard]] const Source* find(std::string_view path) const {
    const auto place = places_.find(path);
    return place == places_.end() ? nullptr : &place->second;
  }

 private:
  std::map<std::string, Source, std::less<>> places_;
};

}  // namespace gracevisor::config
