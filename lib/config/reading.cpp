#include "config/reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/nearest.h"
#include "config/substitute.h"
#include "config/values.h"

namespace gracevisor::config {
namespace {

template <class T>
std::string range_text(const T& found, const T& least, const T& most) {
  return fmt::format("{} is out of range (allowed: {} to {})", found, least, most);
}

bool is_zero(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value.data);
  return number != nullptr && *number == 0;
}

}  // namespace

void Reading::error(const Item& item, std::string_view text) {
  error(item.value.source, item.path, text);
}

void Reading::error(const Source& source, std::string_view path, std::string_view text) {
  findings_->error(source, fmt::format("{}: {}", path, text));
}

void Reading::wrong_type(const Item& item, std::string_view expected) {
  error(item, fmt::format("expected {}, found {}", expected, kind(item.value)));
}

void Reading::not_supported(const Item& item) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  error(item,
        (text != nullptr ? quote_briefly(*text) + ": " : std::string()) + "not supported by this version");
}

std::optional<std::string> Reading::text(const Item& item, std::string_view expected) {
  const auto* text = std::get_if<std::string>(&item.value.data);
  if (text == nullptr) {
    wrong_type(item, expected);
    return std::nullopt;
  }
  // The kernel ends every name, argument and path at a NUL.
  if (text->find('\0') != std::string::npos) {
    error(item, "a NUL character is not allowed");
    return std::nullopt;
  }
  return *text;
}

std::optional<bool> Reading::boolean(const Item& item) {
  if (const auto* value = std::get_if<bool>(&item.value.data)) return *value;
  wrong_type(item, "true or false");
  return std::nullopt;
}

std::optional<std::int64_t> Reading::integer(const Item& item, Bounds<std::int64_t> bounds) {
  const auto* number = std::get_if<std::int64_t>(&item.value.data);
  if (number == nullptr) {
    wrong_type(item, "an integer");
    return std::nullopt;
  }
  if (*number < bounds.least || *number > bounds.most) {
    error(item, range_text(*number, bounds.least, bounds.most));
    return std::nullopt;
  }
  return *number;
}

std::optional<Millis> Reading::duration(const Item& item, Bounds<Millis> bounds) {
  base::Expected<Millis> parsed = Millis(0);
  if (!is_zero(item.value)) {
    auto written = text(item, R"(a duration such as "10s")");
    if (!written) return std::nullopt;
    parsed = parse_duration(*written);
  }
  if (!parsed) {
    error(item, parsed.error().what);
    return std::nullopt;
  }
  if (*parsed < bounds.least || *parsed > bounds.most) {
    error(item, range_text(duration_text(*parsed), duration_text(bounds.least), duration_text(bounds.most)));
    return std::nullopt;
  }
  return *parsed;
}

std::optional<std::uint64_t> Reading::size(const Item& item, Bounds<std::uint64_t> bounds) {
  base::Expected<std::uint64_t> parsed = 0;
  if (!is_zero(item.value)) {
    auto written = text(item, R"(a size such as "50MiB")");
    if (!written) return std::nullopt;
    parsed = parse_size(*written);
  }
  if (!parsed) {
    error(item, parsed.error().what);
    return std::nullopt;
  }
  if (*parsed < bounds.least || *parsed > bounds.most) {
    error(item, range_text(size_text(*parsed), size_text(bounds.least), size_text(bounds.most)));
    return std::nullopt;
  }
  return *parsed;
}

std::optional<std::filesystem::path> Reading::path(const Item& item, std::string_view expected) {
  auto written = text(item, expected);
  if (!written) return std::nullopt;
  if (written->empty()) {
    error(item, fmt::format(R"(expected {}, found "")", expected));
    return std::nullopt;
  }
  if (auto hint = tilde_hint(*written); !hint.empty()) {
    error(item, hint);
    return std::nullopt;
  }
  return beside(item.value.source.file, *written);
}

const Table* Reading::table(const Item& item, std::string_view expected) {
  const auto* table = std::get_if<Table>(&item.value.data);
  if (table == nullptr) wrong_type(item, expected);
  return table;
}

std::vector<Item> Reading::texts(const Item& item, std::string_view expected) {
  std::vector<Item> out;
  const auto* array = std::get_if<Array>(&item.value.data);
  if (array == nullptr) {
    if (text(item, expected)) out.push_back(item);
    return out;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    Item element{fmt::format("{}[{}]", item.path, i), (*array)[i]};
    if (text(element)) out.push_back(element);
  }
  return out;
}

std::optional<std::size_t> Reading::word(const Item& item, const std::vector<std::string_view>& words) {
  std::vector<std::string> quoted;
  quoted.reserve(words.size());
  for (std::string_view known : words) quoted.push_back(quote(known));
  auto one_of = fmt::format("one of {}", fmt::join(quoted, ", "));
  auto written = text(item, one_of);
  if (!written) return std::nullopt;
  auto it = std::find_if(words.begin(), words.end(), [&](std::string_view known) {
    return known.ends_with(':') ? written->starts_with(known) : *written == known;
  });
  if (it != words.end()) return static_cast<std::size_t>(it - words.begin());
  auto near = base::nearest(*written, words);
  error(item, fmt::format("unknown value {}{}; expected {}", quote_briefly(*written),
                          near.empty() ? "" : fmt::format(" (did you mean {}?)", quote(near)), one_of));
  return std::nullopt;
}

std::filesystem::path beside(const std::string& file, const std::filesystem::path& path) {
  auto joined = std::filesystem::path(file).parent_path() / path;
  std::error_code failed;
  auto absolute = std::filesystem::absolute(joined, failed);
  return (failed ? joined : absolute).lexically_normal();
}

std::string_view tilde_hint(std::string_view path) {
  if (path != "~" && !path.starts_with("~/")) return {};
  return R"("~" is not expanded, as there is no shell: write the whole path)";
}

}  // namespace gracevisor::config
