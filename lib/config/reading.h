// Reads single values of a file's tree and reports errors: a wrong type, a value out of range. An unset
// result means that an error was reported. Thread: the one that loads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/daemon_user.h"
#include "config/findings.h"
#include "config/tree.h"

namespace gracevisor::config {

// A value and the key it belongs to: "app.web.health.interval".
struct Item {
  std::string path;
  const Value& value;
  Source key = {};  // where the key stands; unset for an element of a list
};

template <class T>
struct Bounds {
  T least;
  T most;
};

class Reading {
 public:
  Reading(Findings& findings, const DaemonUser& user) : findings_(&findings), user_(&user) {}

  [[nodiscard]] Findings& findings() { return *findings_; }
  [[nodiscard]] const DaemonUser& user() const { return *user_; }
  void error(const Item& item, std::string_view text);
  void error(const Source& source, std::string_view path, std::string_view text);
  void not_supported(const Item& item);

  std::optional<std::string> text(const Item& item, std::string_view expected = "a string");
  std::optional<bool> boolean(const Item& item);
  std::optional<std::int64_t> integer(const Item& item, Bounds<std::int64_t> bounds);
  std::optional<Millis> duration(const Item& item, Bounds<Millis> bounds);
  std::optional<std::uint64_t> size(const Item& item, Bounds<std::uint64_t> bounds);
  // An absolute path: a relative one is taken from the folder of its file.
  std::optional<std::filesystem::path> path(const Item& item, std::string_view expected = "a path");
  const Table* table(const Item& item, std::string_view expected = "a table");
  // A string, or a list of strings: an Item for each. The result contains only strings.
  std::vector<Item> texts(const Item& item, std::string_view expected);

  // The index in `words` of the item's word; one that ends in ":" stands for everything that begins with it.
  std::optional<std::size_t> word(const Item& item, const std::vector<std::string_view>& words);
  // "expected EXPECTED, found integer".
  void wrong_type(const Item& item, std::string_view expected);

 private:
  Findings* findings_;
  const DaemonUser* user_;
};

// `path` relative to the folder of `file`, made absolute and without "." and "..".
[[nodiscard]] std::filesystem::path beside(const std::string& file, const std::filesystem::path& path);

// A hint, for error messages, that "~" needs a shell; empty unless `path` is "~" or begins with "~/".
[[nodiscard]] std::string_view tilde_hint(std::string_view path);

}  // namespace gracevisor::config
