#include "config/daemon_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace gracevisor::config {

void Workers::read(Reading& reading, const Item& item, unsigned& workers) {
  std::optional<unsigned> number = workers;
  kWorkers.read(reading, item, number);
  workers = number.value_or(0);
}

std::string Workers::text(const unsigned& workers) {
  return NumberOrAuto::text(workers == 0 ? std::nullopt : std::optional(workers));
}

std::string folder_text(const std::filesystem::path& folder) {
  return quote(folder.string());
}

void read_autodiscover(Reading& reading, const Item& item, std::filesystem::path& folder) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  if (text != nullptr && text->empty()) {
    folder.clear();
  } else {
    read_path(reading, item, folder);
  }
}

std::string port_range_text(const PortRange& range) {
  return fmt::format(R"("{}-{}")", range.first.value(), range.last.value());
}

base::Expected<std::string> parse_group(std::string_view text) {
  const bool valid =
      text.size() <= 64 && std::ranges::all_of(text, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
      });
  if (valid) return std::string(text);
  return base::fail("expected a group's name, found " + quote_briefly(text));
}

void read_log_file(Reading& reading, const Item& item, std::string& file) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  if (text != nullptr && text->empty()) {
    file.clear();
  } else if (read_sink(reading, item, file)) {
    return;
  } else if (auto path = reading.path(item, R"(a file's path, or "" for standard error)")) {
    file = path->string();
  }
}

}  // namespace gracevisor::config
