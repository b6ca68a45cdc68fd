#include "config/privilege_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <system_error>

#include "base/capability_name.h"

namespace gracevisor::config {
namespace {

constexpr unsigned kMostMask = 0777;
constexpr std::size_t kMostDigits = 4;

}  // namespace

bool valid_account(std::string_view name) {
  return !name.empty() && name.size() <= 64 && !name.starts_with('-') &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
                  c == '$' || c == '@';
         });
}

// A number would be read as decimal.
void read_umask(Reading& reading, const Item& item, unsigned& umask) {
  constexpr std::string_view kExpected = R"(an octal mask such as "022")";
  const auto text = reading.text(item, kExpected);
  if (!text) return;
  unsigned mask = 0;
  const char* end = text->data() + text->size();
  const auto [read, error] = std::from_chars(text->data(), end, mask, 8);
  if (error != std::errc() || read != end || text->size() > kMostDigits) {
    return reading.error(item, fmt::format("expected {}, found {}", kExpected, quote_briefly(*text)));
  }
  if (mask > kMostMask) {
    return reading.error(item,
                         fmt::format("{} is out of range (allowed: 000 to {:o})", quote(*text), kMostMask));
  }
  umask = mask;
}

std::string umask_text(const unsigned& umask) {
  return quote(fmt::format("{:03o}", umask));
}

void read_groups(Reading& reading, const Item& item, std::optional<std::vector<std::string>>& groups) {
  constexpr std::string_view kExpected = R"("user" or a list of groups)";
  if (const auto* text = std::get_if<std::string>(&item.value.data)) {
    if (*text != "user") {
      return reading.error(item, fmt::format("expected {}, found {}", kExpected, quote_briefly(*text)));
    }
    groups.reset();
    return;
  }
  const auto* array = std::get_if<Array>(&item.value.data);
  if (array == nullptr) return reading.wrong_type(item, kExpected);
  if (array->size() > kMostGroups) {
    return reading.error(item,
                         fmt::format("expected at most {} groups, found {}", kMostGroups, array->size()));
  }
  groups.emplace();
  for (const Item& element : reading.texts(item, kExpected)) {
    const auto& name = std::get<std::string>(element.value.data);
    if (!valid_account(name)) {
      reading.error(element, R"(expected a group such as "www-data", found )" + quote_briefly(name));
    } else if (std::ranges::find(*groups, name) != groups->end()) {
      reading.error(element, quote(name) + " is listed twice");
    } else {
      groups->push_back(name);
    }
  }
}

std::string groups_text(const std::optional<std::vector<std::string>>& groups) {
  return groups ? list_text(*groups) : quote("user");
}

void read_capabilities(Reading& reading, const Item& item, std::vector<std::string>& capabilities) {
  constexpr std::string_view kExpected = R"(a list such as ["CAP_NET_BIND_SERVICE"])";
  capabilities.clear();
  for (const Item& element : reading.texts(item, kExpected)) {
    const auto number = base::capability_number(std::get<std::string>(element.value.data));
    if (!number) {
      reading.error(element, number.error().what);
      continue;
    }
    std::string name = base::capability_name(*number);
    if (std::ranges::find(capabilities, name) == capabilities.end()) {
      capabilities.push_back(std::move(name));
    } else {
      reading.error(element, name + " is listed twice");
    }
  }
}

void read_paths(Reading& reading, const Item& item, std::vector<std::filesystem::path>& paths) {
  paths.clear();
  const auto* array = std::get_if<Array>(&item.value.data);
  if (array != nullptr && array->size() > kMostReadOnly) {
    return reading.error(item,
                         fmt::format("expected at most {} paths, found {}", kMostReadOnly, array->size()));
  }
  for (const Item& element : reading.texts(item, "a path or a list of paths")) {
    if (auto path = reading.path(element)) paths.push_back(std::move(*path));
  }
}

std::string paths_text(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> items;
  items.reserve(paths.size());
  for (const std::filesystem::path& path : paths) items.push_back(path.string());
  return list_text(items);
}

}  // namespace gracevisor::config
