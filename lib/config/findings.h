// Collects what is wrong with the files, so that everything is reported at once. Bounded: beyond kMost
// findings of a kind the rest are only counted. Thread: the one that loads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace gracevisor::config {

class Findings {
 public:
  static constexpr std::size_t kMost = 1000;

  void error(const Source& source, std::string text) { add(errors_, source, std::move(text)); }
  void warning(const Source& source, std::string text) { add(warnings_, source, std::move(text)); }
  void absence(const Source& source, std::string text) { add(absences_, source, std::move(text)); }
  [[nodiscard]] bool failed() const { return !errors_.kept.empty(); }

  // Sorted by file, line, column and text; empties the list.
  [[nodiscard]] std::vector<Diagnostic> take_errors() { return take(errors_); }
  [[nodiscard]] std::vector<Diagnostic> take_warnings() { return take(warnings_); }
  [[nodiscard]] std::vector<Diagnostic> take_absences() { return take(absences_); }

 private:
  struct List {
    std::vector<Diagnostic> kept;
    std::size_t left_out = 0;
  };
  static void add(List& list, const Source& source, std::string text);
  static std::vector<Diagnostic> take(List& list);

  List errors_;
  List warnings_;
  List absences_;
};

// By file, line, column and text.
void sort_by_place(std::vector<Diagnostic>& diagnostics);

// "FILE:LINE:COLUMN", for a message that names a second place.
[[nodiscard]] std::string place(const Source& source);

// A key as TOML writes it: bare if possible, otherwise quoted.
[[nodiscard]] std::string key_text(std::string_view key);

// A TOML basic string, with every control character escaped: safe on a terminal as well.
[[nodiscard]] std::string quote(std::string_view text);

// The same for a message: truncated if it is long.
[[nodiscard]] std::string quote_briefly(std::string_view text);

}  // namespace gracevisor::config
