#include "config/access_fields.h"

#include <fmt/format.h>

#include <array>

namespace gracevisor::config {

// Absolute, not relative to the file's folder: an app's log should not move with the file that includes it.
std::optional<std::string> read_access_path(Reading& reading, const Item& item) {
  auto text = reading.text(item, R"(a file's absolute path, or "inherit")");
  if (!text || text->empty() || *text == "inherit") return text;
  if (*text == "journal" || *text == "syslog") {
    reading.not_supported(item);
    return std::nullopt;
  }
  if (auto hint = tilde_hint(*text); !hint.empty()) {
    reading.error(item, hint);
    return std::nullopt;
  }
  bool names_a_file = text->front() == '/' && text->back() != '/';
  if (names_a_file) return std::filesystem::path(*text).lexically_normal().string();
  constexpr std::array<std::string_view, 1> kWords = {"inherit"};
  auto near = nearest(*text, kWords);
  reading.error(
      item, fmt::format(R"(expected a file's absolute path, or "inherit", found {}{})", quote_briefly(*text),
                        near.empty() ? "" : fmt::format(" (did you mean {}?)", quote(near))));
  return std::nullopt;
}

}  // namespace gracevisor::config
