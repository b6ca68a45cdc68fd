#include "gvctl/selector.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>

namespace gracevisor::gvctl {
namespace {

constexpr std::string_view kPatternCharacters = "*?[]!";

bool valid_in_name(char c) {
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
         kPatternCharacters.find(c) != std::string_view::npos;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

void add_once(std::vector<std::string>& apps, const std::string& name) {
  if (std::find(apps.begin(), apps.end(), name) == apps.end()) apps.push_back(name);
}

}  // namespace

bool Selector::names_many() const noexcept {
  return app == "all" || app.find_first_of(kPatternCharacters) != std::string::npos;
}

std::string Selector::instance() const {
  if (!generation) return "";
  return slot ? fmt::format("{}.{}", *generation, *slot) : fmt::format("{}", *generation);
}

base::Expected<Selector> parse_selector(std::string_view text) {
  auto invalid = [&](std::string_view why) {
    return base::fail(fmt::format("\"{}\" selects nothing: {}", text, why));
  };
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    return invalid(fmt::format("an instance is {}@GENERATION.SLOT: gvctl status {}", text.substr(0, colon),
                               text.substr(0, colon)));
  }
  auto at = text.find('@');
  Selector selector{std::string(text.substr(0, at)), {}, {}};
  if (at == 0) return invalid("write web, web@43, web@43.1, a pattern such as 'worker-*', or all");
  if (selector.app.empty()) return invalid("it is empty");
  if (!std::all_of(selector.app.begin(), selector.app.end(), valid_in_name)) {
    return invalid("names of apps have letters, digits, - _ and .");
  }
  if (at == std::string_view::npos) return selector;
  if (selector.names_many()) return invalid("generations are an app's own");
  std::string_view numbers = text.substr(at + 1);
  auto dot = numbers.find('.');
  selector.generation = number(numbers.substr(0, dot));
  if (!selector.generation) return invalid("the generation behind @ is a number from 1");
  if (dot == std::string_view::npos) return selector;
  selector.slot = number(numbers.substr(dot + 1));
  if (!selector.slot) return invalid("the instance behind the generation is a number from 1");
  return selector;
}

base::Expected<std::vector<std::string>> pick_apps(const std::vector<Selector>& selectors,
                                                   const std::vector<std::string>& known) {
  std::vector<std::string> picked;
  for (const Selector& selector : selectors) {
    if (!selector.names_many()) {
      add_once(picked, selector.app);
      continue;
    }
    bool any = selector.app == "all";
    for (const std::string& name : known) {
      if (selector.app != "all" && ::fnmatch(selector.app.c_str(), name.c_str(), 0) != 0) continue;
      any = true;
      add_once(picked, name);
    }
    if (!any) return base::fail(fmt::format("no app matches \"{}\"", selector.app));
  }
  return picked;
}

}  // namespace gracevisor::gvctl
