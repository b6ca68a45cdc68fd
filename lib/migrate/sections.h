// Files made of sections with settings, as supervisord and systemd have them, with the line of each setting,
// and which of these an importer has taken. Thread: values, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace gracevisor::migrate {

struct Setting {
  std::string key;
  std::string value;
  std::string file;  // as messages show it
  unsigned line = 0;
  bool taken = false;

  // "supervisord.conf:14: priority=10", shortened.
  [[nodiscard]] std::string text() const;
};

struct Section {
  std::string name;
  std::string file;
  unsigned line = 0;
  std::vector<Setting> settings;

  // "supervisord.conf:12: [program:web]"
  [[nodiscard]] std::string text() const;
  // The last setting of that key, with all of that key marked as taken; null if there is none.
  [[nodiscard]] Setting* take(std::string_view key);
  // The last setting of that key, left as it is; null if there is none.
  [[nodiscard]] Setting* find(std::string_view key);
  // All of them, in the order of the file.
  [[nodiscard]] std::vector<Setting*> take_all(std::string_view key);
};

// As Python's ConfigParser reads it for supervisord: "=" or ":" after a key in any case; comments begin with
// ";" or "#", at the start of a line or after a blank; a line that is indented deeper than its key goes on
// with the value; a section or key given twice is one, and the last value counts.
// A library does not serve here: libinih cuts sections' names after 49 bytes, and takes an indented key for
// more of the value before it.
[[nodiscard]] base::Expected<void> read_ini(std::string_view text, const std::string& file,
                                            std::vector<Section>& sections);

// As systemd.syntax(7): only "="; comments are whole lines; a backslash at the end joins lines; settings of
// the same key follow each other, and an empty one removes those before it from lists.
[[nodiscard]] base::Expected<void> read_unit(std::string_view text, const std::string& file,
                                             std::vector<Section>& sections);

// Null if there is none.
[[nodiscard]] Section* find_section(std::vector<Section>& sections, std::string_view name);

// `text` without blanks at its ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

// ASCII letters in lower case.
[[nodiscard]] std::string lowered(std::string_view text);

// `text` cut to a length that fits a comment.
[[nodiscard]] std::string shortened(std::string_view text);

}  // namespace gracevisor::migrate
